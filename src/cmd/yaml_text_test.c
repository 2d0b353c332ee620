/* yaml_text_test.c - what is written, and that it reads back. */
#include "base/test.h"
#include "cmd/yaml_text.h"

TEST(maps_are_blocks_and_small_ones_lie_on_a_line)
{
    json_t *json =
        json_loads("{\"nodes\": {\"read\": {\"type\": \"file_table\", \"r\": {\"urls\": [\"a b\"], \"m\": -1}, "
                   "\"columns\": [{\"name\": "
                   "\"x\", \"csv\": {\"header\": \"q\\\"\\\\\"}}, {}], \"on\": true, \"1st\": null}}, \"empty\": {}}",
                   0, NULL);
    capi_buf text = {0};

    capi_yaml_append(&text, json);
    capi_buf_append_byte(&text, 0);
    CHECK_STR(text.data, "nodes:\n"
                         "  read:\n"
                         "    type: \"file_table\"\n"
                         "    r: {urls: [\"a b\"], m: -1}\n"
                         "    columns:\n"
                         "      - {name: \"x\", csv: {header: \"q\\\"\\\\\"}}\n"
                         "      - {}\n"
                         "    \"on\": true\n"
                         "    \"1st\": null\n"
                         "empty: {}\n");
    capi_buf_deinit(&text);
    json_decref(json);
}

TEST(characters_that_yaml_does_not_take_are_escaped)
{
    json_t *json = json_pack("{s:s}", "k", "a\n\t\x7f \xc2\x85 \xc3\xa4 \xe2\x80\xa8 \xef\xbb\xbf \xf0\x9f\x98\x80");
    capi_buf text = {0};

    capi_yaml_append(&text, json);
    capi_buf_append_byte(&text, 0);
    CHECK_STR(text.data, "k: \"a\\n\\t\\x7f \\x85 \xc3\xa4 \\u2028 \\ufeff \xf0\x9f\x98\x80\"\n");
    capi_buf_deinit(&text);
    json_decref(json);
}
