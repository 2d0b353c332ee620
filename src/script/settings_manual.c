/* settings_manual.c - the manual page of all settings, from their table. */
#include "script/settings.h"

static const char *manual_type(capi_setting_type type)
{
    switch (type) {
    case CAPI_SETTING_STRING: return "string";
    case CAPI_SETTING_INT: return "whole number";
    case CAPI_SETTING_BOOL: return "true, false";
    case CAPI_SETTING_MAP:
    case CAPI_SETTING_NAMES:
    case CAPI_SETTING_ANY: return "map";
    case CAPI_SETTING_LIST: return "list";
    case CAPI_SETTING_STRINGS: return "list of strings";
    case CAPI_SETTING_STRING_MAP: return "map of strings";
    }
    return "";
}

static void append_section(capi_buf *to, capi_section section)
{
    const char *what = capi_section_what(section);
    const char *path = capi_section_path(section);

    capi_buf_printf(to, "\n## %c%s", what[0] >= 'a' && what[0] <= 'z' ? what[0] - 'a' + 'A' : what[0], what + 1);
    if (*path) capi_buf_printf(to, ": `%s`", path);
    capi_buf_append_text(to, "\n| setting | type | default | meaning |\n|---|---|---|---|\n");
    for (uint32_t i = 0; i < CAPI_SETTING_COUNT; i++) {
        const capi_setting_info *info = &capi_setting_infos[i];
        const char *help = info->help;
        bool is_old = strncmp(help, "OLD: ", 5) == 0;

        if (info->section != section) continue;
        capi_buf_printf(to, "| `%s` | %s | %s | ", info->name, manual_type(info->type), info->default_text);
        if (is_old)
            capi_buf_printf(to, "older form of `%s`", help + 5);
        else
            capi_buf_append_text(to, help);
        capi_buf_append_text(to, " |\n");
    }
}

void capi_settings_append_manual(capi_buf *to)
{
    capi_buf_append_text(
        to, "# Settings of a script\n\n"
            "Made from `src/script/settings.h`. `*` stands for any name, `[]` for any item of a list. Unknown "
            "settings are warned of and\nignored, but for names that begin with `x-` or `_`: those are yours.\n");
    for (int i = 0; i < CAPI_SECTION_COUNT; i++)
        append_section(to, (capi_section)i);
}
