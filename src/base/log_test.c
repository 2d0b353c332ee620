#include "base/log.h"
#include "base/test.h"

#include <jansson.h>
#include <unistd.h>

/* What one call writes, read back from a pipe. */
static json_t *logged(const char *key, const char *value)
{
    char line[4096];
    ssize_t bytes;
    int ends[2];

    CHECK_INT(pipe(ends), 0);
    capi_log_set_fd(ends[1]);
    capi_log(CAPI_LOG_INFO, "batch done", "node", "read_orders", key, value, NULL);
    capi_log_set_fd(2);
    close(ends[1]);
    bytes = read(ends[0], line, sizeof line - 1);
    close(ends[0]);
    CHECK(bytes > 0);
    CHECK_INT(line[bytes - 1], '\n');
    return json_loadb(line, (size_t)bytes, 0, NULL);
}

TEST(a_line_is_one_json_object_with_level_time_and_message)
{
    json_t *line = logged("k", "v");
    const char *time = json_string_value(json_object_get(line, "ts"));

    CHECK_STR(json_string_value(json_object_get(line, "l")), "info");
    CHECK_STR(json_string_value(json_object_get(line, "m")), "batch done");
    CHECK_STR(json_string_value(json_object_get(line, "node")), "read_orders");
    CHECK_INT(strlen(time), 24);
    CHECK_INT(time[23], 'Z');
    json_decref(line);
}

TEST(any_bytes_make_valid_json)
{
    json_t *line = logged("text", "a\"b\\c\nd\te\x01 f\xFF\xC3 g\xC3\xA9");

    CHECK_STR(json_string_value(json_object_get(line, "text")),
              "a\"b\\c\nd\te\x01 f\xEF\xBF\xBD\xEF\xBF\xBD g\xC3\xA9");
    json_decref(line);
}

TEST(lines_below_the_level_are_not_written)
{
    int ends[2];
    char byte;

    CHECK_INT(pipe(ends), 0);
    capi_log_set_fd(ends[1]);
    capi_log(CAPI_LOG_DEBUG, "quiet", NULL);
    capi_log_set_level(CAPI_LOG_OFF);
    capi_log(CAPI_LOG_ERROR, "quiet too", NULL);
    capi_log_set_level(CAPI_LOG_INFO);
    capi_log_set_fd(2);
    close(ends[1]);
    CHECK_INT(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}
