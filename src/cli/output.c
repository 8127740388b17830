/*
 * output.c - see output.h
 * SPDX-License-Identifier: MIT
 *
 * A file is written beside its target and renamed when it is whole and on the
 * disk: whatever fails, the target is the old file or the new one.
 */
#define _POSIX_C_SOURCE   200809L
#define _XOPEN_SOURCE     700
#define _FILE_OFFSET_BITS 64

#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- signals -------------------------------------------------------------- */

enum { MAX_PENDING = 8 };

/* The temporary names, which a signal removes. */
static const char *volatile pending[MAX_PENDING];
static pthread_t owner; /* the thread whose outputs they are */

static const int fatal[] = {SIGINT, SIGTERM, SIGHUP};

enum { FATAL = sizeof(fatal) / sizeof(fatal[0]) };

static struct sigaction before[FATAL]; /* what was done of them */

/*
 * A driver's thread may get the signal while the owner makes a file: so it is
 * the owner that removes.  Then comes what came before: the end, or the
 * handler of a driver's compiler, which has files of its own to remove.
 */
static void remove_pending(int number)
{
    if (!pthread_equal(pthread_self(), owner)) {
        pthread_kill(owner, number);
        return;
    }
    for (size_t i = 0; i < MAX_PENDING; i++)
        if (pending[i] != NULL)
            unlink(pending[i]);
    for (size_t i = 0; i < FATAL; i++)
        if (fatal[i] == number)
            sigaction(number, &before[i], NULL);
    raise(number);
}

static sigset_t fatal_set(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < FATAL; i++)
        sigaddset(&set, fatal[i]);
    return set;
}

/* Once: a handler that is set later calls this one in its turn.  What is
 * ignored, as by nohup, stays so. */
static void watch_signals(void)
{
    const struct sigaction watch = {.sa_handler = remove_pending,
                                    .sa_mask = fatal_set(),
                                    .sa_flags = SA_RESTART};
    static bool watched;

    if (watched)
        return;
    watched = true;
    owner = pthread_self();
    for (size_t i = 0; i < FATAL; i++)
        if (sigaction(fatal[i], NULL, &before[i]) == 0 &&
            before[i].sa_handler != SIG_IGN)
            sigaction(fatal[i], &watch, NULL);
}

/* Exchanges 'from', NULL for a free place, for 'to'. */
static void exchange_pending(const char *from, const char *to)
{
    for (size_t i = 0; i < MAX_PENDING; i++) {
        if (pending[i] == from) {
            pending[i] = to;
            return;
        }
    }
}

/* Makes the file 'name', which must not exist, and notes that it is pending
 * before a signal can come. */
static int create_pending(const char *name)
{
    const sigset_t set = fatal_set();
    sigset_t old;
    int fd, why;

    pthread_sigmask(SIG_BLOCK, &set, &old);
    fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    why = errno;
    if (fd >= 0)
        exchange_pending(NULL, name);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = why;
    return fd;
}

/* --- targets -------------------------------------------------------------- */

static char *join(const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);

    if (path != NULL)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/*
 * The full path of the file that 'path' leads to, through any links, or that
 * would be made there; NULL with errno set if there cannot be one.
 */
static char *full_path(const char *path)
{
    char *full = realpath(path, NULL);
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    char *folder = NULL, *parent = NULL;

    if (full != NULL || errno != ENOENT || *base == '\0')
        return full;

    folder = slash != NULL ? strndup(path, (size_t)(base - path)) : strdup(".");
    if (folder == NULL)
        return NULL;
    parent = realpath(folder, NULL);
    if (parent != NULL)
        full = join(parent, base);
    free(parent);
    free(folder);
    return full;
}

/* Fills in the full path of a target, and its mode: 0 if it does not exist. */
static const char *find_target(const char *path, char **full, mode_t *mode)
{
    struct stat status;

    *mode = 0;
    *full = full_path(path);
    if (*full == NULL)
        return strerror(errno);
    if (lstat(*full, &status) != 0)
        return NULL;
    if (!S_ISREG(status.st_mode))
        return "it is not a regular file";
    if (access(*full, W_OK) != 0)
        return strerror(errno);
    *mode = status.st_mode & 0777;
    return NULL;
}

const char *output_check(const char *path)
{
    char *full = NULL;
    mode_t mode;
    const char *why = find_target(path, &full, &mode);

    if (why == NULL) {
        strrchr(full, '/')[1] = '\0';
        if (access(full, W_OK | X_OK) != 0)
            why = strerror(errno);
    }
    free(full);
    return why;
}

bool output_same_target(const char *a, const char *b)
{
    char *full_a = full_path(a), *full_b = full_path(b);
    const bool same =
        full_a != NULL && full_b != NULL && strcmp(full_a, full_b) == 0;

    free(full_a);
    free(full_b);
    return same;
}

/* --- writing -------------------------------------------------------------- */

/* A new file beside the target, with the target's mode if that exists. */
static const char *open_temporary(struct output *output, mode_t mode)
{
    const int folder = (int)(strrchr(output->target, '/') - output->target);
    const size_t size = (size_t)folder + 64;
    char *name = malloc(size);
    int fd = -1;

    if (name == NULL)
        return strerror(ENOMEM);
    for (int i = 0; i < 100 && fd < 0 && (i == 0 || errno == EEXIST); i++) {
        snprintf(name, size, "%.*s/.clstep-%ld-%d.tmp", folder, output->target,
                 (long)getpid(), i);
        fd = create_pending(name);
    }
    if (fd < 0) {
        const char *why = strerror(errno);

        free(name);
        return why;
    }
    output->temporary = name;
    if (mode == 0 || fchmod(fd, mode) == 0)
        output->stream = fdopen(fd, "wb");
    if (output->stream == NULL) {
        const int why = errno;

        close(fd);
        return strerror(why);
    }
    return NULL;
}

const char *output_open(const char *path, struct output *output)
{
    const char *why;
    mode_t mode;

    *output = (struct output){0};
    watch_signals();
    why = find_target(path, &output->target, &mode);
    return why != NULL ? why : open_temporary(output, mode);
}

const char *output_open_device(const char *path, struct output *output)
{
    *output = (struct output){.stream = fopen(path, "wb")};
    return output->stream != NULL ? NULL : strerror(errno);
}

const char *output_finish(struct output *output)
{
    FILE *const stream = output->stream;
    bool failed;
    int why;

    errno = 0;
    failed = ferror(stream) || fflush(stream) != 0 ||
             (output->temporary != NULL && fsync(fileno(stream)) != 0);
    why = errno;
    output->stream = NULL;
    if (fclose(stream) != 0 && !failed) {
        failed = true;
        why = errno;
    }
    return !failed ? NULL : why != 0 ? strerror(why) : "a write failed";
}

const char *output_commit(struct output *output)
{
    if (output->temporary == NULL)
        return NULL;
    if (rename(output->temporary, output->target) != 0)
        return strerror(errno);
    exchange_pending(output->temporary, NULL);
    free(output->temporary);
    output->temporary = NULL;
    return NULL;
}

void output_release(struct output *output)
{
    if (output->stream != NULL)
        fclose(output->stream);
    if (output->temporary != NULL) {
        unlink(output->temporary);
        exchange_pending(output->temporary, NULL);
    }
    free(output->temporary);
    free(output->target);
    *output = (struct output){0};
}
