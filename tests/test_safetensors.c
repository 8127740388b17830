/*
 * test_safetensors.c - the files of `clstep replay`
 * SPDX-License-Identifier: MIT
 *
 * Each malformed file is a row of a table, and must be refused with a sentence
 * that names the file and has the row's words.  All files are made in a folder
 * of their own, which is empty between two tests.
 */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE   700

#include "cli/output.h"
#include "cli/safetensors.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char file_name[] = "file.safetensors";

/* --- helpers -------------------------------------------------------------- */

static void write_file(const char *name, const void *bytes, size_t count)
{
    FILE *stream = fopen(name, "wb");

    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, count, stream), count);
    assert_int_equal(fclose(stream), 0);
}

/* A file whose prefix says 'length', with 'data' zero bytes behind 'header'. */
static void write_parts(uint64_t length, const char *header, size_t header_size,
                        size_t data)
{
    const size_t size = 8 + header_size + data;
    unsigned char *bytes = calloc(size, 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(length >> 8 * i);
    memcpy(bytes + 8, header, header_size);
    write_file(file_name, bytes, size);
    free(bytes);
}

static void assert_refused(const char *name, const char *words)
{
    struct safetensors *file = (struct safetensors *)&file;
    struct safetensors_error error = {""};

    assert_false(safetensors_open(name, &file, &error));
    assert_null(file);
    if (strstr(error.message, words) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", error.message, words);
    assert_non_null(strstr(error.message, name));
    assert_null(strchr(error.message, '\n'));
}

static struct safetensors *open_valid(const char *name)
{
    struct safetensors *file = NULL;
    struct safetensors_error error = {""};

    if (!safetensors_open(name, &file, &error))
        fail_msg("%s", error.message);
    return file;
}

/* The number of names in the test's folder. */
static int count_names(void)
{
    DIR *folder = opendir(".");
    int count = 0;

    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count +=
            strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return count;
}

static int empty_folder(void **state)
{
    DIR *folder = opendir(".");

    (void)state;
    if (folder == NULL)
        return -1;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove(entry->d_name);
    closedir(folder);
    return 0;
}

/* --- files that are refused ----------------------------------------------- */

struct bad_header {
    const char *what, *header;
    size_t data;       /* bytes behind the header */
    const char *words; /* of the sentence */
};

#define ENTRY(dtype, shape, offsets)                                           \
    "{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define F32(shape, offsets) ENTRY("\"F32\"", shape, offsets)
#define ONE(entry)          "{\"w\":" entry "}"

static const struct bad_header bad_headers[] = {
    {"no header", "", 0, "does not begin with '{'"},
    {"text", "safetensors", 0, "does not begin with '{'"},
    {"an array", "[1, 2]", 0, "does not begin with '{'"},
    {"a space in front", " {}", 0, "does not begin with '{'"},
    {"half an object", "{\"w\":", 0, "cannot be parsed"},
    {"an object and more", "{} {}", 0, "cannot be parsed"},
    {"no UTF-8", "{\"\xff\":1}", 0, "cannot be parsed"},
    {"a NUL in a name", "{\"\\u0000\":1}", 0, "cannot be parsed"},
    {"half a surrogate pair", "{\"\\ud800\":1}", 0, "cannot be parsed"},
    {"a name twice",
     "{\"w\":" F32("[1]", "[0,4]") ",\"w\":" F32("[1]", "[0,4]") "}", 4,
     "duplicate"},
    {"a key twice",
     ONE("{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],"
         "\"data_offsets\":[0,4]}"),
     4, "duplicate"},
    {"deep nesting",
     "{\"w\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
     "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
     0, "nested too deeply"},
    {"an entry that is no object", "{\"w\":5}", 0, "'w' is not an object"},
    {"no dtype", ONE("{\"shape\":[],\"data_offsets\":[0,4]}"), 4,
     "'w' has no dtype"},
    {"a dtype that is no string", ONE(ENTRY("32", "[]", "[0,4]")), 4,
     "dtype of tensor 'w' is not a string"},
    {"F64", ONE(ENTRY("\"F64\"", "[]", "[0,8]")), 8,
     "tensor 'w' is of dtype F64"},
    {"too many bytes for halves", ONE(ENTRY("\"F16\"", "[2]", "[0,8]")), 8,
     "'w' has 2 elements, so 4 bytes"},
    {"too few for bfloats", ONE(ENTRY("\"BF16\"", "[2]", "[0,2]")), 2,
     "'w' has 2 elements, so 4 bytes"},
    {"an unknown dtype", ONE(ENTRY("\"f32\"", "[]", "[0,4]")), 4,
     "tensor 'w' is of dtype f32"},
    {"no shape", ONE("{\"dtype\":\"F32\",\"data_offsets\":[0,4]}"), 4,
     "'w' has no shape"},
    {"a shape that is no array", ONE(F32("1", "[0,4]")), 4,
     "shape of tensor 'w' is not an array"},
    {"a text in the shape", ONE(F32("[\"1\"]", "[0,4]")), 4,
     "shape of tensor 'w' has a member that is not a whole number"},
    {"a fraction in the shape", ONE(F32("[1.0]", "[0,4]")), 4,
     "not a whole number"},
    {"a negative extent", ONE(F32("[-1]", "[0,4]")), 4,
     "shape of tensor 'w' has the negative number -1"},
    {"minus zero", ONE(F32("[-0]", "[0,0]")), 0, "the number -0"},
    {"an extent of more than 63 bits",
     ONE(F32("[18446744073709551616]", "[0,4]")), 4, "too big integer"},
    {"a product that overflows", ONE(F32("[4294967296,4294967296]", "[0,0]")),
     0, "shape of tensor 'w' has more bytes than 64 bits can count"},
    {"an overflow before a zero",
     ONE(F32("[4294967296,4294967296,0]", "[0,0]")), 0, "more bytes"},
    {"bytes that overflow", ONE(F32("[4611686018427387904]", "[0,0]")), 0,
     "more bytes"},
    {"no data_offsets", ONE("{\"dtype\":\"F32\",\"shape\":[]}"), 4,
     "'w' has no data_offsets"},
    {"one data offset", ONE(F32("[]", "[4]")), 4,
     "data_offsets of tensor 'w' are not an array of two"},
    {"three data_offsets", ONE(F32("[]", "[0,4,8]")), 4, "array of two"},
    {"data_offsets that are an object", ONE(F32("[]", "{}")), 4,
     "array of two"},
    {"a negative data offset", ONE(F32("[]", "[-4,0]")), 4,
     "data_offsets of tensor 'w' has the negative number -4"},
    {"a null as data offset", ONE(F32("[]", "[0,null]")), 4,
     "not a whole number"},
    {"data that end before they begin", ONE(F32("[0]", "[4,0]")), 4,
     "'w' end at 0, before they begin at 4"},
    {"data_offsets against the shape", ONE(F32("[2]", "[0,4]")), 4,
     "'w' has 2 elements, so 8 bytes, but its data_offsets span 4"},
    {"a first offset that is not 0", ONE(F32("[]", "[4,8]")), 8,
     "the 4 bytes in front of tensor 'w' belong to no tensor"},
    {"a hole", "{\"a\":" F32("[]", "[0,4]") ",\"b\":" F32("[]", "[8,12]") "}",
     12, "the 4 bytes in front of tensor 'b'"},
    {"an overlap",
     "{\"a\":" F32("[2]", "[0,8]") ",\"b\":" F32("[2]", "[4,12]") "}", 12,
     "'b' overlap those of tensor 'a'"},
    {"the same data twice",
     "{\"a\":" F32("[]", "[0,4]") ",\"b\":" F32("[]", "[0,4]") "}", 4,
     "overlap"},
    {"data that lack", ONE(F32("[2]", "[0,8]")), 7, "is truncated"},
    {"data of a petabyte",
     ONE(F32("[250000000000000]", "[0,1000000000000000]")), 8, "is truncated"},
    {"data left over", ONE(F32("[2]", "[0,8]")), 9,
     "its last 1 bytes belong to no tensor"},
    {"data without a tensor", "{}", 4, "its last 4 bytes"},
    {"metadata that are no object", "{\"__metadata__\":[]}", 0,
     "__metadata__ are not an object"},
    {"metadata that are null", "{\"__metadata__\":null}", 0,
     "__metadata__ are not an object"},
    {"a number in the metadata", "{\"__metadata__\":{\"step\":1}}", 0,
     "'step' of its __metadata__ is not a string"},
};

enum { BAD_HEADERS = sizeof(bad_headers) / sizeof(bad_headers[0]) };

static void bad_header_is_refused(void **state)
{
    const struct bad_header *bad = *state;
    const size_t length = strlen(bad->header);

    write_parts(length, bad->header, length, bad->data);
    assert_refused(file_name, bad->words);
}

static void file_without_prefix_is_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < 8; size++) {
        write_file(file_name, "\2\0\0\0\0\0\0", size);
        assert_refused(file_name, "too few");
    }
}

static void wrong_length_is_refused(void **state)
{
    (void)state;
    write_parts(3, "{}", 2, 0);
    assert_refused(file_name, "should have 3 bytes, but only 2 follow");
    write_parts(100000000, "{}", 2, 0);
    assert_refused(file_name, "only 2 follow");
    write_parts(100000001, "{}", 2, 0);
    assert_refused(file_name, "would have 100000001 bytes; at most 100000000"
                              " are allowed; is it a safetensors file?");
    write_parts(UINT64_MAX, "{}", 2, 0);
    assert_refused(file_name, "would have 18446744073709551615 bytes");
    write_parts(1, "{}", 2, 0);
    assert_refused(file_name, "cannot be parsed");
}

static void nul_in_the_header_is_refused(void **state)
{
    static const char header[] = "{\"w\":{\"dtype\":\"F32\",\"shape\":[1\0],"
                                 "\"data_offsets\":[0,4]}}";

    (void)state;
    write_parts(sizeof(header) - 1, header, sizeof(header) - 1, 4);
    assert_refused(file_name, "a NUL byte");
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    assert_refused("missing", "No such file");
    assert_refused(".", "not a regular file");
    assert_refused("/dev/null", "not a regular file");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_refused("pipe", "not a regular file");
}

static void every_truncation_is_refused(void **state)
{
    static const char header[] = ONE(F32("[2]", "[0,8]"));
    const size_t size = 8 + sizeof(header) - 1 + 8;

    (void)state;
    for (size_t length = 0; length < size; length++) {
        write_parts(sizeof(header) - 1, header, sizeof(header) - 1, 8);
        assert_int_equal(truncate(file_name, (off_t)length), 0);
        assert_refused(file_name, "");
    }
}

static void file_that_shrinks_is_noticed(void **state)
{
    static const char header[] = ONE(F32("[2]", "[0,8]"));
    struct safetensors_error error;
    float data[2];

    (void)state;
    write_parts(sizeof(header) - 1, header, sizeof(header) - 1, 8);
    struct safetensors *file = open_valid(file_name);
    assert_int_equal(truncate(file_name, 8 + sizeof(header) - 1 + 4), 0);
    assert_false(
        safetensors_read(file, safetensors_tensors(file), 0, 2, data, &error));
    assert_non_null(strstr(error.message, "became shorter"));
    safetensors_close(file);
}

/* --- files that are read -------------------------------------------------- */

static void tensors_come_in_the_order_of_their_data(void **state)
{
    static const char header[] =
        "{\"z\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
        "\"__metadata__\":{\"k\":\"v\"},"
        "\"e\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[8,8]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
        "\"\\u00e9\":{\"shape\":[],\"x\":{\"y\":-1.5},\"dtype\":\"F32\","
        "\"data_offsets\":[12,16]}}   ";
    static const char *const names[] = {"a", "e", "z", "\xc3\xa9"};

    (void)state;
    write_parts(sizeof(header) - 1, header, sizeof(header) - 1, 16);
    struct safetensors *file = open_valid(file_name);

    assert_string_equal(safetensors_path(file), file_name);
    assert_int_equal(safetensors_count(file), 4);
    for (size_t i = 0; i < 4; i++) {
        const struct safetensors_tensor *tensor = &safetensors_tensors(file)[i];

        assert_string_equal(tensor->name, names[i]);
        assert_ptr_equal(safetensors_find(file, names[i]), tensor);
    }
    assert_int_equal(safetensors_tensors(file)[1].count, 0);
    assert_int_equal(safetensors_tensors(file)[1].rank, 2);
    assert_int_equal(safetensors_tensors(file)[3].count, 1);
    assert_int_equal(safetensors_tensors(file)[3].rank, 0);
    assert_null(safetensors_find(file, "k"));
    assert_null(safetensors_find(file, "__metadata__"));
    assert_string_equal(
        json_string_value(json_object_get(safetensors_metadata(file), "k")),
        "v");
    safetensors_close(file);
}

static void file_without_tensors_is_read(void **state)
{
    (void)state;
    write_parts(2, "{}", 2, 0);
    struct safetensors *file = open_valid(file_name);

    assert_int_equal(safetensors_count(file), 0);
    assert_null(safetensors_metadata(file));
    assert_null(safetensors_find(file, ""));
    safetensors_close(file);
}

/* --- writing -------------------------------------------------------------- */

static const uint64_t shape_23[] = {2, 3}, shape_05[] = {0, 5};
static const struct safetensors_tensor samples[] = {
    {.name = "\xe6\x97\xa5 \"x\"\\\n.b", .rank = 2, .shape = shape_23},
    {.name = "", .rank = 2, .shape = shape_05},
    {.name = "scalar"},
};
enum { SAMPLES = 3 };
static const float sample_data[] = {1, -0.0f, 3, 4, 5, 1e-45f, 7};

/* A writer of the samples in which all but the last element is written. */
static struct safetensors_writer *
begin_samples(const char *name, json_t *metadata)
{
    struct safetensors_writer *writer = NULL;
    struct safetensors_error error = {""};

    if (!safetensors_create(name, samples, SAMPLES, metadata, &writer, &error))
        fail_msg("%s", error.message);
    assert_true(safetensors_write(writer, sample_data, 6, &error));
    return writer;
}

static void write_samples(const char *name, json_t *metadata)
{
    struct safetensors_writer *writer = begin_samples(name, metadata);
    struct safetensors_error error;

    assert_true(safetensors_write(writer, sample_data + 6, 1, &error));
    assert_true(safetensors_finish(writer, &error));
    assert_true(safetensors_commit(writer, &error));
    safetensors_release(writer);
}

static void what_is_written_is_read(void **state)
{
    json_t *metadata = json_pack("{s:s}", "step", "7");
    struct safetensors_error error;
    unsigned char prefix[8];
    float data[6];

    (void)state;
    write_samples(file_name, metadata);
    assert_int_equal(count_names(), 1);

    FILE *stream = fopen(file_name, "rb");
    assert_non_null(stream);
    assert_int_equal(fread(prefix, 1, 8, stream), 8);
    assert_int_equal(prefix[0] % 8, 0);
    fclose(stream);

    struct safetensors *file = open_valid(file_name);
    assert_true(json_equal(safetensors_metadata(file), metadata));
    assert_int_equal(safetensors_count(file), SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct safetensors_tensor *tensor = &safetensors_tensors(file)[i];

        assert_string_equal(tensor->name, samples[i].name);
        assert_int_equal(tensor->rank, samples[i].rank);
        for (size_t d = 0; d < tensor->rank; d++)
            assert_int_equal(tensor->shape[d], samples[i].shape[d]);
    }
    assert_true(
        safetensors_read(file, safetensors_tensors(file), 0, 6, data, &error));
    assert_memory_equal(data, sample_data, sizeof(data));
    assert_true(
        safetensors_read(file, safetensors_tensors(file), 4, 2, data, &error));
    assert_memory_equal(data, sample_data + 4, 8);
    assert_true(safetensors_read(file, safetensors_tensors(file) + 2, 0, 1,
                                 data, &error));
    assert_memory_equal(data, sample_data + 6, 4);
    safetensors_close(file);
    json_decref(metadata);
}

static void halves_are_kept_bit_for_bit(void **state)
{
    static const uint16_t data[] = {0x8000, 0x0001, 0x7e01, 0x3c00, 0xfc00};
    static const enum safetensors_dtype dtypes[] = {SAFETENSORS_F16,
                                                    SAFETENSORS_BF16};
    static const uint64_t two[] = {2}, three[] = {3};
    struct safetensors_error error;
    uint16_t read[3];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct safetensors_tensor halves[] = {
            {.name = "a", .dtype = dtypes[i], .rank = 1, .shape = two},
            {.name = "b", .dtype = dtypes[i], .rank = 1, .shape = three}};
        struct safetensors_writer *writer;

        assert_true(
            safetensors_create(file_name, halves, 2, NULL, &writer, &error));
        assert_true(safetensors_write(writer, data, 5, &error));
        assert_true(safetensors_finish(writer, &error));
        assert_true(safetensors_commit(writer, &error));
        safetensors_release(writer);

        struct safetensors *file = open_valid(file_name);
        const struct safetensors_tensor *tensors = safetensors_tensors(file);

        assert_int_equal(safetensors_count(file), 2);
        assert_int_equal(tensors[0].dtype, dtypes[i]);
        assert_int_equal(tensors[1].dtype, dtypes[i]);
        assert_int_equal(tensors[1].offset, 4);
        assert_true(safetensors_read(file, &tensors[1], 1, 2, read, &error));
        assert_memory_equal(read, data + 3, 4);
        safetensors_close(file);
    }
}

static void target_changes_only_with_the_commit(void **state)
{
    struct safetensors_error error;
    struct safetensors_writer *writer;
    char text[4] = "";

    (void)state;
    write_file(file_name, "old", 3);
    writer = begin_samples(file_name, NULL);
    assert_int_equal(count_names(), 2);
    assert_false(safetensors_finish(writer, &error));
    assert_non_null(strstr(error.message, "lacks data"));
    assert_false(safetensors_write(writer, sample_data, 2, &error));
    assert_non_null(strstr(error.message, "more data"));
    assert_true(safetensors_write(writer, sample_data, 1, &error));
    assert_true(safetensors_finish(writer, &error));
    safetensors_release(writer);

    assert_int_equal(count_names(), 1);
    FILE *stream = fopen(file_name, "rb");
    assert_non_null(stream);
    assert_int_equal(fread(text, 1, sizeof(text), stream), 3);
    fclose(stream);
    assert_string_equal(text, "old");
}

static void two_files_are_written_at_once(void **state)
{
    struct safetensors_writer *a, *b;

    (void)state;
    a = begin_samples("a", NULL);
    b = begin_samples("b", NULL);
    assert_int_equal(count_names(), 2);
    safetensors_release(a);
    safetensors_release(b);
    assert_int_equal(count_names(), 0);
}

static void mode_and_links_are_kept(void **state)
{
    struct stat status;

    (void)state;
    write_file("real", "", 0);
    assert_int_equal(chmod("real", 0604), 0);
    assert_int_equal(symlink("real", "link"), 0);
    write_samples("link", NULL);
    assert_int_equal(lstat("link", &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(lstat("real", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0604);
    assert_true(status.st_size > 0);
}

static void bad_target_is_refused(void **state)
{
    static const struct {
        const char *path, *words;
    } bad[] = {
        {"", "No such file"},           {"missing/file", "No such file"},
        {"missing/", "No such file"},   {".", "not a regular file"},
        {"/dev/null", "not a regular"}, {"plain/file", "Not a directory"},
    };

    (void)state;
    write_file("plain", "", 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct safetensors_writer *writer =
            (struct safetensors_writer *)&writer;
        struct safetensors_error error = {""};

        assert_false(safetensors_create(bad[i].path, samples, SAMPLES, NULL,
                                        &writer, &error));
        assert_null(writer);
        assert_non_null(strstr(error.message, bad[i].path));
        if (strstr(error.message, bad[i].words) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", error.message, bad[i].words);
        assert_false(safetensors_writable(bad[i].path, &error));
    }
    assert_int_equal(count_names(), 1);
}

static void same_target_is_seen(void **state)
{
    struct safetensors_error error;

    (void)state;
    assert_true(safetensors_writable("new", &error));
    assert_true(output_same_target("new", "./new"));
    assert_false(output_same_target("new", "other"));
    assert_false(output_same_target("no/new", "no/new"));
    write_file("real", "", 0);
    assert_int_equal(symlink("real", "link"), 0);
    assert_true(output_same_target("real", "link"));
    assert_int_equal(count_names(), 2);
}

/* A disk that is full, as far as a process can make one. */
static void full_disk_leaves_the_target(void **state)
{
    struct rlimit limit, old;
    struct safetensors_error error = {""};
    struct safetensors_writer *writer;

    (void)state;
    write_file(file_name, "old", 3);
    writer = begin_samples(file_name, NULL);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 16;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_true(safetensors_write(writer, sample_data + 6, 1, &error));
    const bool finished = safetensors_finish(writer, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_false(finished);
    assert_non_null(strstr(error.message, "File too large"));
    safetensors_release(writer);
    assert_int_equal(count_names(), 1);
}

/* -------------------------------------------------------------------------- */

int main(void)
{
    static struct CMUnitTest bad_header_tests[BAD_HEADERS];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(file_without_prefix_is_refused, empty_folder),
        cmocka_unit_test_teardown(wrong_length_is_refused, empty_folder),
        cmocka_unit_test_teardown(nul_in_the_header_is_refused, empty_folder),
        cmocka_unit_test_teardown(what_is_no_file_is_refused, empty_folder),
        cmocka_unit_test_teardown(every_truncation_is_refused, empty_folder),
        cmocka_unit_test_teardown(file_that_shrinks_is_noticed, empty_folder),
        cmocka_unit_test_teardown(tensors_come_in_the_order_of_their_data,
                                  empty_folder),
        cmocka_unit_test_teardown(file_without_tensors_is_read, empty_folder),
        cmocka_unit_test_teardown(what_is_written_is_read, empty_folder),
        cmocka_unit_test_teardown(halves_are_kept_bit_for_bit, empty_folder),
        cmocka_unit_test_teardown(target_changes_only_with_the_commit,
                                  empty_folder),
        cmocka_unit_test_teardown(two_files_are_written_at_once, empty_folder),
        cmocka_unit_test_teardown(mode_and_links_are_kept, empty_folder),
        cmocka_unit_test_teardown(bad_target_is_refused, empty_folder),
        cmocka_unit_test_teardown(same_target_is_seen, empty_folder),
        cmocka_unit_test_teardown(full_disk_leaves_the_target, empty_folder),
    };
    char folder[] = "/tmp/clstep-test-XXXXXX";
    int failures;

    if (mkdtemp(folder) == NULL || chdir(folder) != 0) {
        perror(folder);
        return 1;
    }
    for (size_t i = 0; i < BAD_HEADERS; i++)
        bad_header_tests[i] = (struct CMUnitTest){
            .name = bad_headers[i].what,
            .test_func = bad_header_is_refused,
            .teardown_func = empty_folder,
            .initial_state = (void *)(uintptr_t)&bad_headers[i]};
    failures = _cmocka_run_group_tests("bad headers", bad_header_tests,
                                       BAD_HEADERS, NULL, NULL);
    failures += cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
    if (chdir("/") != 0 || rmdir(folder) != 0)
        perror(folder);
    return failures == 0 ? 0 : 1;
}
