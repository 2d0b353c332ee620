/* history_text_test.c - histories as lines. */
#include "base/test.h"
#include "cmd/history_text.h"

static const char *text_of(capi_buf *text)
{
    capi_buf_append_byte(text, 0);
    return text->data;
}

TEST(a_run_has_an_event_for_each_status_in_order_of_time)
{
    capi_arena arena = {0};
    capi_buf text = {0};
    const capi_run runs[] = {
        {.run_id = 1,
         .start_ms = 1714558830123,
         .complete_ms = 1714558841900,
         .complete_comment = CAPI_STR("{\"a\":\"success\",\"b\":\"fail\"}")},
        {.run_id = 2, .start_ms = 1714558840000, .stop_ms = 1714558850007, .stop_comment = CAPI_STR("enough,\nreally")},
        {.run_id = 3,
         .start_ms = 1714558860000,
         .complete_ms = 1714558860001,
         .mode = CAPI_RUN_DIRECT,
         .start_nodes = CAPI_STR("a"),
         .complete_comment = CAPI_STR("{\"a\":\"success\"}")},
    };

    capi_history_runs(runs, 3, &arena, &text);
    CHECK_STR(text_of(&text), "ts,run_id,status,comment\n"
                              "2024-05-01T10:20:30.123+0000,1,1,api.StartRun\n"
                              "2024-05-01T10:20:40.000+0000,2,1,api.StartRun\n"
                              "2024-05-01T10:20:41.900+0000,1,2,{\"a\":\"success\";\"b\":\"fail\"}\n"
                              "2024-05-01T10:20:50.007+0000,2,3,enough; really\n"
                              "2024-05-01T10:21:00.000+0000,3,1,Toolbelt RunNode(a)\n"
                              "2024-05-01T10:21:00.001+0000,3,2,Toolbelt RunNode(a); run successful\n");
    capi_buf_deinit(&text);
    capi_arena_deinit(&arena);
}

TEST(nodes_and_batches_have_a_start_and_an_end)
{
    capi_arena arena = {0};
    capi_buf text = {0};
    const capi_node_state node = {
        .name = CAPI_STR("read"), .status = CAPI_WORK_FAIL, .start_ms = 1000, .final_ms = 2000};
    const capi_node_state waiting = {.name = CAPI_STR("calc")};
    const capi_history_node nodes[] = {{1, &node, CAPI_STR("begun"), CAPI_STR("bad, very")}, {1, &waiting, {0}, {0}}};
    const capi_batch_state batch = {.batch_idx = 2,
                                    .batches_total = 3,
                                    .status = CAPI_WORK_SUCCESS,
                                    .start_ms = 1000,
                                    .final_ms = 1000,
                                    .first_token = 10,
                                    .last_token = 19};
    const capi_history_batch batches[] = {{7, CAPI_STR("read"), &batch, CAPI_STR("well")}};

    capi_history_nodes(nodes, 2, &arena, &text);
    CHECK_STR(text_of(&text), "ts,run_id,script_node,status,comment\n"
                              "1970-01-01T00:00:01.000+0000,1,read,1,begun\n"
                              "1970-01-01T00:00:02.000+0000,1,read,3,bad; very\n");
    capi_buf_clear(&text);
    capi_history_batches(batches, 1, &arena, &text);
    CHECK_STR(text_of(&text), "ts,run_id,script_node,batch_idx,batches_total,status,first_token,last_token,comment\n"
                              "1970-01-01T00:00:01.000+0000,7,read,2,3,1,10,19,\n"
                              "1970-01-01T00:00:01.000+0000,7,read,2,3,2,10,19,well\n");
    capi_buf_deinit(&text);
    capi_arena_deinit(&arena);
}
