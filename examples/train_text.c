/*
 * train_text.c - trains a character-level language model with clstep
 * SPDX-License-Identifier: MIT
 *
 * What clstep does here: train_text/model.c makes a layout of named tensors in
 * two groups, weights and biases.  create_optimizer() makes an optimizer for
 * it.  take_step() sets the step size and calls clstep_optimizer_step(), which
 * clips the norm of the gradients, leaves out a step with a NaN, and keeps an
 * average of the parameters.  evaluate() judges that average, and
 * print_steps() reads what the device has decided.  The model, the text and
 * the options have files of their own in train_text/.
 */
#define _POSIX_C_SOURCE 200809L

#include "train_text/check.h"
#include "train_text/fail.h"
#include "train_text/model.h"
#include "train_text/options.h"
#include "train_text/random.h"
#include "train_text/report.h"
#include "train_text/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* --- device --------------------------------------------------------------- */

struct device {
    cl_device_id id;
    char name[256], platform[256];
    cl_context context;
    cl_command_queue queue;
    clstep_device *clstep;
};

enum { DEVICES_MAX = 64 };

/* Every device of every platform. */
static cl_uint list_devices(cl_device_id *ids)
{
    cl_platform_id platforms[16];
    cl_uint platform_count = 0, count = 0;

    if (clGetPlatformIDs(16, platforms, &platform_count) != CL_SUCCESS)
        return 0;
    for (cl_uint i = 0; i < platform_count && i < 16; i++) {
        cl_uint found = 0;

        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL,
                           DEVICES_MAX - count, ids + count,
                           &found) != CL_SUCCESS)
            continue; /* a platform without devices */
        count += found < DEVICES_MAX - count ? found : DEVICES_MAX - count;
        if (count == DEVICES_MAX)
            break;
    }
    return count;
}

static void name_device(struct device *device)
{
    cl_platform_id platform = NULL;

    check_cl(clGetDeviceInfo(device->id, CL_DEVICE_NAME,
                             sizeof(device->name) - 1, device->name, NULL),
             "cannot ask a device for its name");
    check_cl(clGetDeviceInfo(device->id, CL_DEVICE_PLATFORM, sizeof(platform),
                             &platform, NULL),
             "cannot ask a device for its platform");
    check_cl(clGetPlatformInfo(platform, CL_PLATFORM_NAME,
                               sizeof(device->platform) - 1, device->platform,
                               NULL),
             "cannot ask a platform for its name");
}

static int contains(const char *text, const char *part)
{
    for (; *text != '\0'; text++)
        if (strncasecmp(text, part, strlen(part)) == 0)
            return 1;
    return 0;
}

/* The first device of 'type' among 'ids', or NULL. */
static cl_device_id
find_type(const cl_device_id *ids, cl_uint count, cl_device_type type)
{
    for (cl_uint i = 0; i < count; i++) {
        cl_device_type found = 0;

        check_cl(clGetDeviceInfo(ids[i], CL_DEVICE_TYPE, sizeof(found), &found,
                                 NULL),
                 "cannot ask a device for its type");
        if ((found & type) != 0)
            return ids[i];
    }
    return NULL;
}

static void choose_device(struct device *device, const char *selector)
{
    cl_device_id ids[DEVICES_MAX];
    const cl_uint count = list_devices(ids);

    if (count == 0)
        die("there is no OpenCL device");
    if (selector == NULL) {
        device->id = find_type(ids, count, CL_DEVICE_TYPE_GPU);
        if (device->id == NULL)
            device->id = find_type(ids, count, CL_DEVICE_TYPE_ALL);
        name_device(device);
        return;
    }
    char *end;
    const unsigned long index = strtoul(selector, &end, 10);
    const int by_index = isdigit((unsigned char)selector[0]) && *end == '\0';

    for (cl_uint i = 0; i < count; i++) {
        device->id = ids[i];
        name_device(device);
        if (by_index ? index == i
                     : contains(device->name, selector) ||
                           contains(device->platform, selector))
            return;
    }
    die("no OpenCL device is called '%s'; there are %u", selector, count);
}

static struct device open_device(const char *selector)
{
    struct device device = {0};
    clstep_error error;
    cl_int code;

    choose_device(&device, selector);
    device.context = clCreateContext(NULL, 1, &device.id, NULL, NULL, &code);
    check_cl(code, "cannot create a context");
    device.queue = clCreateCommandQueue(device.context, device.id, 0, &code);
    check_cl(code, "cannot create a queue");
    check_clstep(
        clstep_device_create(device.context, device.id, &device.clstep, &error),
        &error);
    return device;
}

static void close_device(struct device *device)
{
    clstep_device_release(device->clstep);
    clReleaseCommandQueue(device->queue);
    clReleaseContext(device->context);
}

/* --- text ----------------------------------------------------------------- */

struct corpus {
    struct vocabulary vocabulary;
    struct text training, held_out;
};

static void print_text(const char *label, const struct files *files)
{
    printf("%-10s %zu characters of %zu file%s", label, files_size(files),
           files->count, files->count == 1 ? "" : "s");
}

/* Which text is learned from and which is held out: see --help. */
static struct corpus read_corpus(const struct options *options)
{
    const int own = options->files[0] != NULL;
    const int held = options->held_out[0] != NULL;
    struct files training =
        own ? files_read(options->files) : files_licences(0);
    struct files held_out = held  ? files_read(options->held_out)
                            : own ? files_split(&training)
                                  : files_licences(1);
    struct corpus corpus = {.vocabulary = vocabulary_of(&training)};
    uint64_t random = 0;

    if (held)
        files_disjoint(&training, &held_out);
    if (files_size(&training) < options->sizes.batch)
        die("the training text has %zu characters, but --batch is %zu",
            files_size(&training), options->sizes.batch);
    if (files_size(&held_out) == 0)
        die("the files are too short to hold out a tenth of each");
    corpus.training =
        text_encode(&training, &corpus.vocabulary, options->sizes.context);
    corpus.held_out =
        text_encode(&held_out, &corpus.vocabulary, options->sizes.context);
    text_shuffle(&corpus.held_out, &random);
    print_text("training", &training);
    printf(", %zu kinds (%zu with 'unknown')\n", corpus.vocabulary.count - 1,
           corpus.vocabulary.count);
    print_text("held out", &held_out);
    if (own && !held)
        printf(", the last tenth of each");
    for (size_t i = 0; i < held_out.count && i < 4 && (held || !own); i++)
        printf("%s %s", i == 0 ? ":" : ",", held_out.list[i].name);
    printf("\n");
    files_release(&training);
    files_release(&held_out);
    return corpus;
}

static void release_corpus(struct corpus *corpus)
{
    text_release(&corpus->training);
    text_release(&corpus->held_out);
}

/* --- training ------------------------------------------------------------- */

struct training {
    const struct options *options;
    const struct model *model;
    clstep_optimizer *optimizer;
    clstep_buffers buffers;               /* the model's */
    struct text *text;                    /* its positions are shuffled */
    struct device_text learned, held_out; /* the same on the device */
    size_t next; /* of the positions, the first that is not used yet */
    uint64_t random;
    double base_rate; /* the setting lr, or a NaN if the rule has none */
    double start;
    long steps, recorded; /* taken; of them, in a record of 'report' */
    struct report report;
};

static clstep_optimizer *
create_optimizer(const struct device *device, const struct model *model,
                 const struct options *options)
{
    clstep_optimizer *optimizer = NULL;
    clstep_error error;
    double decay = 0;

    check_clstep(clstep_optimizer_create(
                     device->clstep, clstep_rule_name(options->rule),
                     options->settings, model->layout, &optimizer, &error),
                 &error);

    /* Decay is for weights; a setting may be another in each group. */
    clstep_optimizer_get(optimizer, "weight_decay", &decay, NULL);
    if (decay != 0 && !options->decay_biases)
        check_clstep(clstep_optimizer_set_group(optimizer, BIASES,
                                                "weight_decay", 0, &error),
                     &error);
    return optimizer;
}

/* Whether the optimizer keeps an average of the parameters. */
static int has_average(const clstep_optimizer *optimizer)
{
    const char *slot;

    for (size_t i = 0; (slot = clstep_optimizer_slot(optimizer, i)) != NULL;
         i++)
        if (strcmp(slot, "ema") == 0)
            return 1;
    return 0;
}

/* Exchanges the parameters and their average, if there is one: called once to
 * use the average, and once more to train on. */
static void swap_average(const struct training *training)
{
    clstep_error error;

    if (has_average(training->optimizer))
        check_clstep(
            clstep_optimizer_swap(training->optimizer, training->model->queue,
                                  &training->buffers, 0, NULL, NULL, &error),
            &error);
}

/* Begins another pass through the text, in a new order. */
static void begin_pass(struct training *training)
{
    const struct text *text = training->text;

    text_shuffle(training->text, &training->random);
    check_cl(clEnqueueWriteBuffer(training->model->queue,
                                  training->learned.positions, CL_TRUE, 0,
                                  text->count * sizeof(*text->positions),
                                  text->positions, 0, NULL, NULL),
             "cannot write the order of the text");
    training->next = 0;
}

/* How far training is: 0 at its beginning, 1 or more at its end. */
static double progress(const struct training *training)
{
    const struct options *options = training->options;

    if (options->steps > 0)
        return (double)training->steps / (double)options->steps;
    return (now() - training->start) / options->seconds;
}

/* The factor of the step size: a linear warm-up, then half a cosine. */
static double schedule(double at)
{
    const double pi = 3.14159265358979323846, warm_up = 0.04, last = 0.02;
    const double rise = at < warm_up ? (at + 0.001) / (warm_up + 0.001) : 1;

    return rise * (last + (1 - last) * (1 + cos(pi * at)) / 2);
}

/* One batch: the gradients by the model, the update by clstep. */
static void take_step(struct training *training, double at)
{
    const struct model *model = training->model;
    const size_t batch = model->sizes.batch;
    clstep_error error;

    if (training->next + batch > training->text->count)
        begin_pass(training);
    model_gradients(model, &training->learned, training->next, batch);
    training->next += batch;
    if (!training->options->constant && !isnan(training->base_rate))
        check_clstep(clstep_optimizer_set(training->optimizer, "lr",
                                          training->base_rate * schedule(at),
                                          &error),
                     &error);
    check_clstep(clstep_optimizer_step(training->optimizer, model->queue,
                                       &training->buffers, 0, NULL, NULL,
                                       &error),
                 &error);
    training->steps++;
}

/* The part of the held-out text that is looked at during training. */
static size_t part_of_held_out(const struct training *training)
{
    const size_t part = 8192;

    return training->held_out.count < part ? training->held_out.count : part;
}

/* The loss of the average, or where there is none of the parameters. */
static double evaluate(const struct training *training, size_t count)
{
    swap_average(training);
    const double bits =
        model_evaluate(training->model, &training->held_out, count);
    swap_average(training);
    return bits;
}

/* The last record is also of the whole held-out text, whose loss it returns. */
static double record(struct training *training, int last)
{
    const long steps = training->steps - training->recorded;
    const double characters =
        (double)steps * (double)training->model->sizes.batch;
    const double bits = model_take_bits(training->model);
    const struct record added = {
        .step = training->steps,
        .seconds = now() - training->start,
        .training = bits / characters,
        .held_out = evaluate(training, part_of_held_out(training)),
        .held_out_all =
            last ? evaluate(training, training->held_out.count) : NAN,
    };

    if (!isfinite(added.training) || !isfinite(added.held_out) ||
        (last && !isfinite(added.held_out_all)))
        die("the loss is not finite at step %ld; is lr too large?",
            training->steps);
    report_add(&training->report, &added);
    training->recorded = training->steps;
    return added.held_out_all;
}

static void train(struct training *training)
{
    double at = 0, recorded_at = 0, recorded_time;

    begin_pass(training);
    training->start = recorded_time = now();
    while (at < 1) {
        take_step(training, at);
        at = progress(training);
        if (training->steps % 4 != 0)
            continue;
        /* So that the queue does not run far ahead of the clock. */
        check_cl(clFinish(training->model->queue), "a batch failed");
        show_progress("step %ld, %.0f %%, %.0f s", training->steps, 100 * at,
                      now() - training->start);
        if (at < 0.97 &&
            (at - recorded_at > 0.05 || now() - recorded_time > 5)) {
            record(training, 0);
            recorded_at = at;
            recorded_time = now();
        }
    }
    check_cl(clFinish(training->model->queue), "a batch failed");
}

/* --- sample --------------------------------------------------------------- */

/* Draws a token; a temperature below 1 prefers the probable ones. */
static size_t draw(const float *scores, size_t count, uint64_t *random)
{
    const double temperature = 0.7;
    double weights[TOKENS_MAX], sum = 0;
    float largest = scores[0];
    size_t token = 0;

    for (size_t i = 1; i < count; i++)
        largest = scores[i] > largest ? scores[i] : largest;
    for (size_t i = 0; i < count; i++) {
        weights[i] = exp((double)(scores[i] - largest) / temperature);
        sum += weights[i];
    }
    double left = random_unit(random) * sum;
    while (token + 1 < count && (left -= weights[token]) >= 0)
        token++;
    return token;
}

/* Writes text as the model would, from the beginning of a text on. */
static void
print_sample(const struct model *model, const struct vocabulary *vocabulary,
             long length, uint64_t seed)
{
    const size_t context = model->sizes.context;
    uint16_t *tokens = allocate(context + 1, sizeof(*tokens));
    uint32_t position = (uint32_t)context;
    const struct text text = {tokens, context + 1, &position, 1};
    struct device_text scratch = model_upload(model, &text);
    float scores[TOKENS_MAX];
    char *sample = allocate((size_t)length, 1);

    for (long i = 0; i < length; i++) {
        model_predict(model, &scratch, tokens, scores);
        const size_t token = draw(scores, vocabulary->count, &seed);
        sample[i] = vocabulary->byte[token];
        memmove(tokens, tokens + 1, (context - 1) * sizeof(*tokens));
        tokens[context - 1] = (uint16_t)token;
    }
    printf("\nsample:\n");
    print_bytes(sample, (size_t)length);
    printf("\n");
    model_release_text(&scratch);
    free(sample);
    free(tokens);
}

/* --- program -------------------------------------------------------------- */

static void print_setup(const struct device *device, const struct model *model,
                        const struct options *options)
{
    const struct sizes *sizes = &model->sizes;
    clstep_numerics numerics;

    clstep_device_numerics(device->clstep, &numerics);
    printf("%-10s %s (%s), arithmetic %s\n", "device", device->name,
           device->platform, clstep_verdict_name(numerics.verdict));
    printf("%-10s %zu characters x %zu -> tanh %zu -> tanh %zu -> softmax %zu, "
           "%llu parameters\n",
           "model", sizes->context, sizes->embedding, sizes->hidden,
           sizes->hidden, sizes->vocabulary,
           (unsigned long long)clstep_layout_parameters(model->layout));
    printf("%-10s %s", "rule", clstep_rule_name(options->rule));
    for (const clstep_setting *s = options->settings; s->name != NULL; s++)
        if (s->choice != NULL)
            printf(" %s=%s", s->name, s->choice);
        else
            printf(" %s=%g", s->name, s->value);
    printf("\n");
    fflush(stdout);
}

/*
 * CLBlast builds its kernels when it first needs them, which takes a while;
 * so each product is computed once before the clock starts.
 */
static void warm_up(const struct training *training)
{
    const double start = now();

    show_progress("building CLBlast's kernels");
    model_gradients(training->model, &training->learned, 0,
                    training->model->sizes.batch);
    model_take_bits(training->model);
    const double bits = evaluate(training, part_of_held_out(training));
    wipe_progress();
    printf("%-10s %.1f s to build CLBlast's kernels; held-out text before "
           "training: %.3f bits\n",
           "warm-up", now() - start, bits);
    fflush(stdout);
}

/* What the device has decided, in one line. */
static void print_steps(const struct training *training)
{
    clstep_report report;
    clstep_error error;

    check_clstep(clstep_optimizer_report(training->optimizer,
                                         training->model->queue, &report, NULL,
                                         &error),
                 &error);
    printf("steps      %llu taken, %llu skipped, last norm %.4g\n",
           (unsigned long long)report.steps, (unsigned long long)report.skipped,
           (double)report.norm);
}

static void finish(struct training *training)
{
    const struct model *model = training->model;
    const double seconds = now() - training->start;
    const double bits = record(training, 1);
    const char *rule = clstep_rule_name(training->options->rule);
    char title[256];

    printf("\ntrained    %ld steps, %.1f times through the text, in %.1f s\n",
           training->steps,
           (double)training->steps * (double)model->sizes.batch /
               (double)training->text->count,
           seconds);
    print_steps(training);
    printf("held out   %.3f bits per character on all %zu characters\n", bits,
           training->held_out.count);
    if (has_average(training->optimizer))
        printf("raw        %.3f bits without the average\n",
               model_evaluate(model, &training->held_out,
                              training->held_out.count));
    fflush(stdout);
    snprintf(title, sizeof(title),
             "%s: held-out text at %.3f bits per character after %.0f s", rule,
             bits, seconds);
    report_close(&training->report, title);
}

int main(int argc, char **argv)
{
    struct options options = options_parse(argc, argv);
    struct report report = report_open(options.csv, options.plot);
    struct device device = open_device(options.device);
    struct corpus corpus = read_corpus(&options);

    options.sizes.vocabulary = corpus.vocabulary.count;
    struct model model =
        model_create(device.context, device.id, device.clstep, device.queue,
                     &options.sizes, options.initializer, options.seed);
    print_setup(&device, &model, &options);
    struct training training = {
        .options = &options,
        .model = &model,
        .optimizer = create_optimizer(&device, &model, &options),
        .buffers = {.parameters = model.parameters,
                    .gradients = model.gradients},
        .text = &corpus.training,
        .learned = model_upload(&model, &corpus.training),
        .held_out = model_upload(&model, &corpus.held_out),
        .random = ~options.seed,
        .base_rate = NAN,
        .report = report,
    };

    clstep_optimizer_get(training.optimizer, "lr", &training.base_rate, NULL);
    warm_up(&training);
    if (options.check_gradient && !check_gradients(&model, &training.learned))
        die("the gradients are not those of the loss");
    train(&training);
    finish(&training);
    swap_average(&training);
    if (options.sample > 0)
        print_sample(&model, &corpus.vocabulary, options.sample, options.seed);

    model_release_text(&training.learned);
    model_release_text(&training.held_out);
    clstep_optimizer_release(training.optimizer);
    model_release(&model);
    close_device(&device);
    release_corpus(&corpus);
    free(options.settings);
    check_clblast(CLBlastClearCache(), "cannot clear CLBlast's cache");
    check_stdout();
    return 0;
}
