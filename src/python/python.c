/* python.c - workers: a program is loaded once, then pages go back and forth; idle workers wait, stopped, for more.
 *
 * An idle worker is told apart by all that it was loaded with. It is stopped by SIGSTOP, so that threads which the user's
 * code left behind do not run between batches. */
#include "python/python.h"

#include "base/hash.h"
#include "python/answer.h"
#include "python/channel.h"
#include "python/interpreter.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { IDLE_MAX = 32, START_TIMEOUT_MS = 60000 };
enum { PROGRAM_AS_GLOBALS = 1, PROGRAM_WITH_CARE = 2 }; /* as in worker.py */
#define WORKER_MEMORY_DEFAULT (UINT64_C(1) << 30)

struct capi_python_worker {
    channel channel;
    capi_buf key;      /* its memory limit and owner, and the request that loads it, from program_at on */
    size_t program_at; /* begins with u32 PROGRAM_... */
    capi_buf request;  /* scratch */
    capi_buf answer;
    columns_part *parts;
    capi_field *inputs; /* copies, in key's lifetime */
    capi_python_field *fields;
    uint32_t input_count, field_count;
    uint64_t memory_bytes, idle_bytes_max;
    uint32_t thread_count; /* when the code was loaded */
    bool is_vectorized;
    capi_arena arena;
};

static pthread_mutex_t idle_mutex = PTHREAD_MUTEX_INITIALIZER;
static capi_python_worker *idle[IDLE_MAX]; /* oldest first */
static uint32_t idle_count;

/* ---- loading ---- */

static void worker_free(capi_python_worker *worker)
{
    if (!worker) return;
    channel_close(&worker->channel);
    capi_buf_deinit(&worker->key);
    capi_buf_deinit(&worker->request);
    capi_buf_deinit(&worker->answer);
    capi_arena_deinit(&worker->arena);
    free(worker);
}

/* The request that loads a program: see Program in worker.py. */
static void append_program(const capi_python_program *program, capi_buf *to)
{
    channel_append_u32(to, program->as_globals ? PROGRAM_AS_GLOBALS : 0);
    channel_append_u32(to, program->source_count);
    for (uint32_t i = 0; i < program->source_count; i++) {
        channel_append_text(to, program->sources[i].name);
        channel_append_text(to, program->sources[i].text);
    }
    channel_append_u32(to, program->input_count);
    for (uint32_t i = 0; i < program->input_count; i++) {
        channel_append_text(to, program->inputs[i].name);
        channel_append_text(to, capi_str_of(capi_type_name(program->inputs[i].type)));
    }
    channel_append_u32(to, program->field_count);
    for (uint32_t i = 0; i < program->field_count; i++) {
        channel_append_text(to, program->fields[i].name);
        channel_append_text(to, capi_str_of(capi_type_name(program->fields[i].type)));
        channel_append_text(to, program->fields[i].expression);
    }
}

static void copy_program(capi_python_worker *worker, const capi_python_program *program)
{
    worker->input_count = program->input_count;
    worker->field_count = program->field_count;
    worker->inputs = capi_new_array(&worker->arena, capi_field, program->input_count + 1);
    worker->fields = capi_new_array(&worker->arena, capi_python_field, program->field_count + 1);
    worker->parts = capi_new_array(&worker->arena, columns_part, program->input_count + program->field_count + 1);
    for (uint32_t i = 0; i < program->input_count; i++)
        worker->inputs[i] =
            (capi_field){capi_str_copy(&worker->arena, program->inputs[i].name), program->inputs[i].type};
    for (uint32_t i = 0; i < program->field_count; i++)
        worker->fields[i] =
            (capi_python_field){capi_str_copy(&worker->arena, program->fields[i].name), program->fields[i].type,
                                capi_str_copy(&worker->arena, program->fields[i].expression)};
}

/* The start of the interpreter is not the code's fault: it has a limit of its own. */
static capi_status await_start(capi_python_worker *worker, const capi_python_limits *limits, capi_err *err)
{
    capi_python_limits patient = *limits;
    channel_answer answer;
    capi_status st;

    if (patient.page_timeout_ms > 0 && patient.page_timeout_ms < START_TIMEOUT_MS)
        patient.page_timeout_ms = START_TIMEOUT_MS;
    st = channel_receive(&worker->channel, &patient, &worker->answer, &answer, err);
    if (st != CAPI_OK) {
        capi_err_note(err, "while the Python interpreter was started");
        return st;
    }
    return answer.kind == CHANNEL_STARTED && answer.payload.bytes == 0 ? CAPI_OK : answer_no_sense(err);
}

static capi_status load(capi_python_worker *worker, uint32_t extra_flags, const capi_python_limits *limits,
                        capi_err *err)
{
    capi_buf *request = &worker->request;
    uint32_t flags;
    channel_answer answer;
    capi_status st;

    capi_buf_clear(request);
    capi_buf_append(request, worker->key.data + worker->program_at, worker->key.bytes - worker->program_at);
    memcpy(&flags, request->data, sizeof flags);
    flags |= extra_flags;
    memcpy(request->data, &flags, sizeof flags);
    CAPI_TRY(channel_send_token(&worker->channel, limits, err));
    CAPI_TRY(channel_send(&worker->channel, capi_buf_str(request), limits, err));
    CAPI_TRY(await_start(worker, limits, err));
    st = channel_receive(&worker->channel, limits, &worker->answer, &answer, err);
    if (st != CAPI_OK) {
        capi_err_note(err, "while the Python code was loaded");
        return st;
    }
    if (answer.kind == CHANNEL_READY && answer.payload.bytes == 1) {
        worker->is_vectorized = answer.payload.data[0] != 0;
        return CAPI_OK;
    }
    if (answer.kind != CHANNEL_FAILED) return answer_no_sense(err);
    return answer_failed("the Python code does not load: ", answer.payload, err);
}

/* ---- idle workers ---- */

static uint32_t thread_count(pid_t pid)
{
    char path[64];
    uint32_t count = 0;
    DIR *folder;

    snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    folder = opendir(path);
    if (!folder) return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static capi_python_worker *idle_remove(uint32_t index)
{
    capi_python_worker *worker = idle[index];

    memmove(&idle[index], &idle[index + 1], (--idle_count - index) * sizeof *idle);
    return worker;
}

/* The newest one with the key, or NULL. */
static capi_python_worker *idle_take(capi_str key)
{
    capi_python_worker *worker = NULL;

    pthread_mutex_lock(&idle_mutex);
    for (uint32_t i = idle_count; i-- > 0 && !worker;)
        if (capi_str_equal(capi_buf_str(&idle[i]->key), key)) worker = idle_remove(i);
    pthread_mutex_unlock(&idle_mutex);
    return worker;
}

/* Is there room for one more? */
static bool idle_has_room(const capi_python_worker *worker)
{
    uint64_t bytes = worker->memory_bytes;

    for (uint32_t i = 0; i < idle_count; i++)
        bytes += idle[i]->memory_bytes;
    return idle_count == 0 || (idle_count < IDLE_MAX && (!worker->idle_bytes_max || bytes <= worker->idle_bytes_max));
}

static void idle_put(capi_python_worker *worker)
{
    capi_python_worker *old[IDLE_MAX];
    uint32_t old_count = 0;

    kill(worker->channel.pid, SIGSTOP);
    pthread_mutex_lock(&idle_mutex);
    while (!idle_has_room(worker))
        old[old_count++] = idle_remove(0);
    idle[idle_count++] = worker;
    pthread_mutex_unlock(&idle_mutex);
    while (old_count)
        worker_free(old[--old_count]);
}

void capi_python_shutdown(void)
{
    pthread_mutex_lock(&idle_mutex);
    while (idle_count)
        worker_free(idle[--idle_count]);
    pthread_mutex_unlock(&idle_mutex);
}

static capi_status worker_start(capi_python_worker *worker, uint32_t extra_flags, const capi_python_limits *limits,
                                capi_err *err)
{
    CAPI_TRY(channel_open(&worker->channel, worker->memory_bytes, err));
    CAPI_TRY(load(worker, extra_flags, limits, err));
    worker->thread_count = thread_count(worker->channel.pid);
    return CAPI_OK;
}

/* An idle worker with the key, running again; or NULL. */
static capi_python_worker *idle_wake(capi_str key)
{
    capi_python_worker *worker;

    while ((worker = idle_take(key))) {
        if (channel_is_quiet(&worker->channel)) {
            kill(worker->channel.pid, SIGCONT);
            return worker;
        }
        worker_free(worker);
    }
    return NULL;
}

capi_status capi_python_get(const capi_python_program *program, const capi_python_limits *limits,
                            capi_python_worker **out, capi_err *err)
{
    uint64_t memory_bytes = limits->memory_bytes ? limits->memory_bytes : WORKER_MEMORY_DEFAULT;
    capi_buf key = {0};
    size_t program_at;
    capi_status st = CAPI_OK;

    channel_append_u64(&key, memory_bytes);
    channel_append_text(&key, program->owner);
    program_at = key.bytes;
    append_program(program, &key);
    *out = idle_wake(capi_buf_str(&key));
    if (*out) {
        capi_buf_deinit(&key);
    } else {
        *out = capi_zmalloc(sizeof **out);
        (*out)->key = key;
        (*out)->program_at = program_at;
        (*out)->memory_bytes = memory_bytes;
        copy_program(*out, program);
        st = worker_start(*out, 0, limits, err);
    }
    (*out)->idle_bytes_max = limits->idle_bytes_max;
    if (st == CAPI_OK) return CAPI_OK;
    worker_free(*out);
    *out = NULL;
    return st;
}

/* A thread that the user's code has left behind must not meet the next batch. */
static bool is_alone(const capi_python_worker *worker)
{
    return thread_count(worker->channel.pid) <= worker->thread_count;
}

void capi_python_give(capi_python_worker *worker, bool is_well)
{
    if (!worker) return;
    if (is_well && is_alone(worker))
        idle_put(worker);
    else
        worker_free(worker);
}

bool capi_python_is_vectorized(const capi_python_worker *worker)
{
    return worker->is_vectorized;
}

/* ---- pages ---- */

/* The inputs into the memory, and the request that says where: see Page in worker.py. */
static capi_status put_page(capi_python_worker *worker, const capi_vec *inputs, uint32_t row_count, capi_err *err)
{
    uint64_t bytes = 64;
    uint64_t at = 0;
    capi_buf *request = &worker->request;

    for (uint32_t i = 0; i < worker->input_count; i++)
        bytes += columns_bytes_max(&inputs[i], row_count);
    /* Room for what will probably come back: the worker asks if it needs more. */
    CAPI_TRY(channel_reserve(&worker->channel, bytes + worker->field_count * (32ull * row_count + 64), err));
    for (uint32_t i = 0; i < worker->input_count; i++)
        worker->parts[i] = columns_put(&inputs[i], row_count, worker->channel.memory, &at);
    capi_buf_clear(request);
    channel_append_u32(request, ++worker->channel.number);
    channel_append_u32(request, row_count);
    channel_append_u64(request, worker->channel.memory_bytes);
    channel_append_u64(request, at);
    for (uint32_t i = 0; i < worker->input_count; i++) {
        capi_buf_append_byte(request, worker->parts[i].kind);
        channel_append_u64(request, worker->parts[i].offset);
        channel_append_u64(request, worker->parts[i].bytes);
    }
    return CAPI_OK;
}

static capi_status give_memory(capi_python_worker *worker, capi_str payload, const capi_python_limits *limits,
                               capi_err *err)
{
    uint64_t bytes;

    if (payload.bytes != sizeof bytes) return answer_no_sense(err);
    memcpy(&bytes, payload.data, sizeof bytes);
    if (bytes > worker->memory_bytes) /* it could not look at that much */
        return capi_err_set(err, CAPI_INVALID,
                            "a page of Python formulas needs %llu bytes for its results; at most %llu are possible for "
                            "a worker",
                            (unsigned long long)bytes, (unsigned long long)worker->memory_bytes);
    CAPI_TRY(channel_reserve(&worker->channel, bytes, err));
    bytes = worker->channel.memory_bytes;
    return channel_send(&worker->channel, (capi_str){(const char *)&bytes, sizeof bytes}, limits, err);
}

/* A value of the right kind that its type cannot hold: told as the worker tells the others. */
static void blame_value(const capi_python_worker *worker, const capi_python_field *field, const capi_vec *inputs,
                        uint32_t row, capi_err *err)
{
    capi_buf words = {0};

    if (!err) return;
    capi_buf_printf(&words, "field \"%.*s\": %s\n  formula ", CAPI_STR_ARG(field->name), err->text);
    for (size_t i = 0; i < field->expression.bytes; i++)
        capi_buf_append_byte(&words, field->expression.data[i] == '\n' ? ' ' : field->expression.data[i]);
    capi_buf_printf(&words, ", row %u of the page", row);
    for (uint32_t i = 0; i < worker->input_count; i++) {
        capi_value value = capi_vec_get(&inputs[i], row);

        capi_buf_printf(&words, "%s r.%.*s = ", i ? "," : ", where", CAPI_STR_ARG(worker->inputs[i].name));
        capi_value_append_text(&words, &value);
    }
    capi_err_set(err, CAPI_INVALID, "%.*s", (int)words.bytes, words.data);
    capi_buf_deinit(&words);
}

static capi_status take_results(capi_python_worker *worker, capi_str payload, const capi_vec *inputs,
                                uint32_t row_count, capi_arena *arena, capi_vec *outputs, uint32_t *bad_row,
                                capi_err *err)
{
    columns_part *parts = worker->parts; /* those of the inputs are not needed any more */
    capi_status result = CAPI_OK;

    CAPI_TRY(answer_parts(payload, worker->field_count, parts, err));
    for (uint32_t i = 0; i < worker->field_count; i++) {
        const capi_python_field *field = &worker->fields[i];
        uint32_t row;
        capi_err field_err = {0};
        capi_status st;

        st = columns_take(&parts[i], field->type, worker->channel.memory, worker->channel.memory_bytes, row_count,
                          arena, &outputs[i], &row, &field_err);
        if (st == CAPI_OK || (result != CAPI_OK && row >= *bad_row)) continue;
        if (row != CAPI_PYTHON_NO_ROW) blame_value(worker, field, inputs, row, &field_err);
        if (err) capi_err_copy(err, &field_err);
        *bad_row = row;
        result = st;
        if (row == CAPI_PYTHON_NO_ROW) break;
    }
    return result;
}

/* One question, and the answer to it. */
static capi_status ask_page(capi_python_worker *worker, const capi_python_limits *limits, const capi_vec *inputs,
                            uint32_t row_count, channel_answer *answer, capi_err *err)
{
    CAPI_TRY(put_page(worker, inputs, row_count, err));
    CAPI_TRY(channel_send(&worker->channel, capi_buf_str(&worker->request), limits, err));
    CAPI_TRY(channel_receive(&worker->channel, limits, &worker->answer, answer, err));
    if (answer->kind == CHANNEL_NEED_MEMORY) { /* once: it knows all sizes when it asks */
        CAPI_TRY(give_memory(worker, answer->payload, limits, err));
        CAPI_TRY(channel_receive(&worker->channel, limits, &worker->answer, answer, err));
    }
    return CAPI_OK;
}

capi_status capi_python_page(capi_python_worker *worker, const capi_python_limits *limits, const capi_vec *inputs,
                             uint32_t row_count, uint64_t first_row, capi_arena *arena, capi_vec *outputs,
                             uint32_t *bad_row, capi_err *err)
{
    channel_answer answer;

    *bad_row = CAPI_PYTHON_NO_ROW;
    if (row_count == 0) return CAPI_OK;
    CAPI_TRY(ask_page(worker, limits, inputs, row_count, &answer, err));
    if (answer.kind == CHANNEL_NEED_CARE) {
        channel_close(&worker->channel);
        CAPI_TRY(worker_start(worker, PROGRAM_WITH_CARE, limits, err));
        CAPI_TRY(ask_page(worker, limits, inputs, row_count, &answer, err));
    }
    switch (answer.kind) {
    case CHANNEL_RESULT: return take_results(worker, answer.payload, inputs, row_count, arena, outputs, bad_row, err);
    case CHANNEL_ROWS_FAILED: return answer_rows_failed(answer.payload, row_count, first_row, bad_row, err);
    case CHANNEL_FAILED: return answer_failed("", answer.payload, err);
    default: return answer_no_sense(err);
    }
}

/* ---- facts ---- */

void capi_python_warm_up(void)
{
    interpreter_warm_up();
}

capi_status capi_python_describe(capi_arena *arena, capi_python_facts *out, capi_err *err)
{
    const interpreter *it;
    capi_buf words = {0};

    *out = (capi_python_facts){0};
    CAPI_TRY(interpreter_get(&it, err));
    sandbox_append_words(&it->box, &words);
    *out = (capi_python_facts){
        .interpreter = capi_str_copy(arena, capi_str_of(it->configured)),
        .executable = capi_str_copy(arena, capi_str_of(it->executable)),
        .version = capi_str_copy(arena, capi_str_of(it->version)),
        .sandbox = capi_str_copy(arena, capi_buf_str(&words)),
        .is_sandboxed = it->box.is_on,
    };
    capi_buf_deinit(&words);
    return CAPI_OK;
}
