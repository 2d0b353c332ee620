/* cmd_schema.c - "capillaries schema": the JSON Schema of scripts, for editors. */
#include "cmd/commands.h"

#include "script/json_schema.h"

#include <stdio.h>

static int command_schema(const capi_args *args)
{
    capi_buf text = {0};

    (void)args;
    capi_json_schema_append(&text);
    fwrite(text.data, 1, text.bytes, stdout);
    capi_buf_deinit(&text);
    return CAPI_EXIT_DONE;
}

const capi_command capi_command_schema = {
    .name = "schema",
    .arguments = "",
    .summary = "print the JSON Schema of scripts, for editors",
    .details =
        "An editor that knows it completes settings and marks those that are missing or of a wrong type while one\n"
        "types. Unknown settings are ignored by a run, so it is `validate` that warns of them; it checks much more.",
    .manual = "In an editor with a YAML language server, the first line of a script names it:\n\n"
              "```yaml\n"
              "# yaml-language-server: $schema=../doc/script.schema.json\n"
              "```",
    .run = command_schema,
};
