/* python_fuzz.c - whatever a Python worker may send: frames on its channel, and claims about results with any memory behind
 * them. The first byte chooses the kind of answer; the frame around it is right or wrong in one way. */
#include "python/answer.h"
#include "python/channel.h"

#include <sys/socket.h>
#include <unistd.h>

enum { PART_BYTES = 17, FIELDS_MAX = 4, PAYLOAD_BYTES_MAX = 1 << 15 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* One column, from bytes that are likely to come near to something right. */
static void take_column(const uint8_t *data, size_t bytes)
{
    capi_arena arena = {0};
    capi_err err = {0};
    columns_part part;
    capi_vec out;
    uint32_t bad_row;
    char *memory;

    if (bytes < 8) return;
    part = (columns_part){.kind = "qdbsoc?m"[data[0] % 8], .offset = data[1], .bytes = data[2] | data[3] << 8};
    if (data[4] & 1) part.offset = UINT64_MAX - data[1];
    if (data[4] & 2) part.bytes = UINT64_MAX - data[2];
    if (data[4] & 4) part.offset &= ~(uint64_t)7;
    memory = capi_arena_copy(&arena, data + 8, bytes - 8);
    (void)!columns_take(&part, (capi_type)(data[5] % CAPI_TYPE_COUNT), memory, bytes - 8, data[6] + 1u, &arena, &out,
                        &bad_row, &err);
    capi_arena_deinit(&arena);
}

/* What python.c does with an answer of this kind. The payload is the memory as well. */
static void take_answer(int kind, capi_str payload, uint32_t row_count, capi_type type)
{
    capi_arena arena = {0};
    capi_err err = {0};
    columns_part parts[FIELDS_MAX];
    uint32_t field_count = (uint32_t)(payload.bytes / PART_BYTES);
    uint32_t bad_row = CAPI_PYTHON_NO_ROW;
    capi_vec out;

    if (kind == CHANNEL_ROWS_FAILED) {
        (void)!answer_rows_failed(payload, row_count, UINT64_MAX - 1, &bad_row, &err);
        if (bad_row != CAPI_PYTHON_NO_ROW && bad_row >= row_count) abort();
    } else if (kind == CHANNEL_RESULT) {
        if (field_count > FIELDS_MAX) field_count = FIELDS_MAX;
        if (answer_parts(payload, field_count, parts, &err) != CAPI_OK) field_count = 0;
        for (uint32_t i = 0; i < field_count; i++)
            (void)!columns_take(&parts[i], type, payload.data, payload.bytes, row_count, &arena, &out, &bad_row, &err);
    } else {
        (void)!answer_failed("", payload, &err);
    }
    if (!capi_str_is_utf8((capi_str){err.text, strlen(err.text)}, NULL) && !strstr(err.text, "...")) abort();
    capi_arena_deinit(&arena);
}

/* A frame that is complete: to wait for the rest of one is a matter of clocks. */
static void send_frame(int fd, const uint8_t *head, capi_str payload)
{
    char frame[CHANNEL_HEAD_BYTES] = {0};
    uint32_t number = 1;
    uint32_t bytes = (uint32_t)payload.bytes;

    if (head[1] == 1) frame[head[2] % CHANNEL_TOKEN_BYTES] = 'x';
    if (head[1] == 2) number = head[2];
    if (head[1] == 3) bytes = UINT32_MAX - head[2];
    memcpy(frame + CHANNEL_TOKEN_BYTES, &number, 4);
    frame[CHANNEL_TOKEN_BYTES + 4] = (char)head[0];
    memcpy(frame + CHANNEL_TOKEN_BYTES + 5, &bytes, 4);
    if (write(fd, frame, sizeof frame) != (ssize_t)sizeof frame) abort();
    if (write(fd, payload.data, payload.bytes) != (ssize_t)payload.bytes) abort();
}

static void take_frame(const uint8_t *data, size_t bytes)
{
    channel from = {.socket_fd = -1, .stderr_fd = -1, .memory_fd = -1, .number = 1};
    capi_python_limits limits = {0};
    capi_str payload = {(const char *)data + 5, bytes - 5};
    channel_answer answer;
    capi_buf buf = {0};
    capi_err err = {0};
    int ends[2];

    if (payload.bytes > PAYLOAD_BYTES_MAX) payload.bytes = PAYLOAD_BYTES_MAX;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) abort();
    from.socket_fd = ends[0];
    send_frame(ends[1], data, payload);
    if (channel_receive(&from, &limits, &buf, &answer, &err) == CAPI_OK)
        take_answer(answer.kind, answer.payload, data[3] + 1u, (capi_type)(data[4] % CAPI_TYPE_COUNT));
    close(ends[0]);
    close(ends[1]);
    capi_buf_deinit(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 6) return 0;
    if (data[0] % 8 == 0)
        take_column(data + 1, bytes - 1);
    else
        take_frame(data, bytes);
    return 0;
}
