/* json_schema.c - every section of settings becomes a definition; nodes choose among them by their type.
 *
 * A setting may be null, which means absent, unless it is required. Where a number, a bool or a list is expected, a reference
 * to a parameter may stand, "{batches|number}"; a word may hold one anywhere. */
#include "script/json_schema.h"

#include "script/script.h"
#include "script/settings.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what the table of settings does not say ---- */

#define TYPES "string int float bool decimal2 datetime"

/* Words that a setting may be; "-" stands for the empty one. */
static const struct {
    capi_setting setting;
    const char *words;
} words_of_settings[] = {
    {CAPI_SET_NODE_TYPE, "file_table table_table table_lookup_table distinct_table table_custom_tfm_table table_file"},
    {CAPI_SET_NODE_START_POLICY, "auto manual -"},
    {CAPI_SET_NODE_RERUN_POLICY, "rerun fail -"},
    {CAPI_SET_LOOKUP_JOIN_TYPE, "inner left"},
    {CAPI_SET_COLUMN_TYPE, TYPES},
    {CAPI_SET_FIELD_TYPE, TYPES},
    {CAPI_SET_OUT_TYPE, TYPES},
    {CAPI_SET_CALCULATED_TYPE, TYPES},
    {CAPI_SET_FILE_CODEC, "gzip snappy zstd lz4 uncompressed -"},
    {CAPI_SET_RULE_COMMAND, "go wait nogo"},
};

static const struct {
    capi_setting setting;
    int64_t min, max;
} ranges_of_settings[] = {
    {CAPI_SET_READER_BATCHES, 0, 1000000},
    {CAPI_SET_READER_ROWSET, 0, 100000},
    {CAPI_SET_LOOKUP_INDEX_BATCH, INT64_MIN, 20000},
    {CAPI_SET_LOOKUP_RIGHT_BATCH, INT64_MIN, 20000},
};

#define INDEX_DEFINITION "^\\s*(non_)?unique\\s*\\([\\s\\S]*\\)\\s*$"
#define NOT_BLANK "\\S"

/* What strings look like; of a map of strings, its values. */
static const struct {
    capi_setting setting;
    const char *pattern;
} patterns_of_settings[] = {
    {CAPI_SET_READER_TABLE, "."},
    {CAPI_SET_LOOKUP_INDEX, "."},
    {CAPI_SET_LOOKUP_JOIN_ON, "^\\s*r\\s*\\.[^.,]+(,\\s*r\\s*\\.[^.,]+)*$"},
    {CAPI_SET_CALCULATED_EXPRESSION, NOT_BLANK},
    {CAPI_SET_TAG_FIELD, "."},
    {CAPI_SET_TAG_CRITERIA, NOT_BLANK},
    {CAPI_SET_TABLE_NAME, "^(?!idx|wf|system)[A-Za-z0-9_]{1,42}$"},
    {CAPI_SET_TABLE_INDEXES, INDEX_DEFINITION},
    {CAPI_SET_FIELD_EXPRESSION, NOT_BLANK},
    {CAPI_SET_FILE_URL, "."},
    {CAPI_SET_OUT_EXPRESSION, NOT_BLANK},
    {CAPI_SET_RULE_EXPRESSION, NOT_BLANK},
};

/* What the names in a map look like. */
static const struct {
    capi_setting setting;
    const char *pattern;
} names_of_settings[] = {
    {CAPI_SET_TABLE_FIELDS, "^[^\\u0000-@\\[-\\^`{-\\u007f][^\\u0000-/:-@\\[-\\^`{-\\u007f]*$"},
    {CAPI_SET_TABLE_INDEXES, "^idx[A-Za-z0-9_]{1,39}$"},
};

/* What stands under r, l, p and w of a node of each type. */
static const struct {
    const char *type, *processor;
    const char *part;
    capi_section section;
} parts_of_nodes[] = {
    {"file_table", NULL, "r", CAPI_SECTION_FILE_READER},
    {"file_table", NULL, "w", CAPI_SECTION_TABLE_WRITER},
    {"table_table", NULL, "r", CAPI_SECTION_TABLE_READER},
    {"table_table", NULL, "w", CAPI_SECTION_TABLE_WRITER},
    {"table_lookup_table", NULL, "r", CAPI_SECTION_TABLE_READER},
    {"table_lookup_table", NULL, "l", CAPI_SECTION_LOOKUP},
    {"table_lookup_table", NULL, "w", CAPI_SECTION_TABLE_WRITER},
    {"distinct_table", NULL, "r", CAPI_SECTION_TABLE_READER},
    {"distinct_table", NULL, "w", CAPI_SECTION_TABLE_WRITER},
    {"table_custom_tfm_table", NULL, "r", CAPI_SECTION_TABLE_READER},
    {"table_custom_tfm_table", NULL, "w", CAPI_SECTION_TABLE_WRITER},
    {"table_custom_tfm_table", "py_calc", "p", CAPI_SECTION_PY_CALC},
    {"table_custom_tfm_table", "tag_and_denormalize", "p", CAPI_SECTION_TAG},
    {"table_file", NULL, "r", CAPI_SECTION_TABLE_READER},
    {"table_file", NULL, "w", CAPI_SECTION_FILE_WRITER},
};

/* What nodes of a type need besides. */
static const struct {
    const char *type, *required;
    const char *setting, *words;
} needs_of_nodes[] = {
    {"table_lookup_table", "l", NULL, NULL},
    {"distinct_table", "rerun_policy", "rerun_policy", "fail"},
    {"table_custom_tfm_table", "custom_proc_type p", "custom_proc_type", "py_calc tag_and_denormalize"},
};

static const char *const section_names[] = {
#define X(id, path, what) #id,
    CAPI_SECTIONS(X)
#undef X
};

/* ---- values ---- */

/* "#/$defs/table_reader" */
static json_t *reference_to(capi_section section)
{
    char text[64];

    snprintf(text, sizeof text, "#/$defs/%s", section_names[section]);
    for (char *c = text + 8; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    return json_pack("{s:s}", "$ref", text);
}

/* "{name|number}", alone in the string. */
static json_t *parameter_of(const char *type)
{
    char pattern[64];

    snprintf(pattern, sizeof pattern, "^\\{ *[a-zA-Z0-9_]+ *\\| *%s *\\}$", type);
    return json_pack("{s:s,s:s}", "type", "string", "pattern", pattern);
}

static json_t *words_list(const char *words)
{
    json_t *list = json_array();
    const char *end;

    for (const char *word = words; *word; word = *end ? end + 1 : end) {
        end = strchr(word, ' ');
        if (!end) end = word + strlen(word);
        json_array_append_new(list, *word == '-' ? json_string("") : json_stringn(word, (size_t)(end - word)));
    }
    return list;
}

static json_t *words_schema(const char *words)
{
    return json_pack("{s:[{s:o},{s:s,s:s}]}", "anyOf", "enum", words_list(words), "type", "string", "pattern", "\\{");
}

/* A string of this form, or one that parameters may give this form. */
static json_t *pattern_schema(const char *form)
{
    char pattern[256];

    snprintf(pattern, sizeof pattern, "%s|\\{", form);
    return json_pack("{s:s,s:s}", "type", "string", "pattern", pattern);
}

static json_t *string_schema(capi_setting setting)
{
    for (size_t i = 0; i < sizeof words_of_settings / sizeof *words_of_settings; i++)
        if (words_of_settings[i].setting == setting) return words_schema(words_of_settings[i].words);
    for (size_t i = 0; i < sizeof patterns_of_settings / sizeof *patterns_of_settings; i++)
        if (patterns_of_settings[i].setting == setting) return pattern_schema(patterns_of_settings[i].pattern);
    return json_pack("{s:s}", "type", "string");
}

/* A map whose values are of this schema. */
static json_t *map_schema(capi_setting setting, json_t *values)
{
    json_t *schema = json_pack("{s:s,s:o}", "type", "object", "additionalProperties", values);

    for (size_t i = 0; i < sizeof names_of_settings / sizeof *names_of_settings; i++)
        if (names_of_settings[i].setting == setting)
            json_object_set_new(schema, "propertyNames", pattern_schema(names_of_settings[i].pattern));
    return schema;
}

static json_t *int_schema(capi_setting setting)
{
    json_t *number = json_pack("{s:s}", "type", "integer");

    for (size_t i = 0; i < sizeof ranges_of_settings / sizeof *ranges_of_settings; i++) {
        if (ranges_of_settings[i].setting != setting) continue;
        if (ranges_of_settings[i].min != INT64_MIN)
            json_object_set_new(number, "minimum", json_integer(ranges_of_settings[i].min));
        json_object_set_new(number, "maximum", json_integer(ranges_of_settings[i].max));
    }
    return json_pack("{s:[o,o]}", "anyOf", number, parameter_of("number"));
}

/* The section whose maps stand under the setting, or CAPI_SECTION_COUNT. */
static capi_section section_below(capi_setting setting)
{
    const capi_setting_info *info = &capi_setting_infos[setting];
    const char *parent = capi_section_path(info->section);
    const char *suffix = info->type == CAPI_SETTING_NAMES ? ".*" : info->type == CAPI_SETTING_LIST ? "[]" : "";
    char path[128];

    snprintf(path, sizeof path, "%s%s%s%s", parent, *parent ? "." : "", info->name, suffix);
    for (int i = 0; i < CAPI_SECTION_COUNT; i++)
        if (strcmp(capi_section_path((capi_section)i), path) == 0) return (capi_section)i;
    return CAPI_SECTION_COUNT;
}

static json_t *maps_below(capi_setting setting)
{
    capi_section section = section_below(setting);

    return section == CAPI_SECTION_COUNT ? json_object() : reference_to(section);
}

static bool is_required(const capi_setting_info *info)
{
    return strcmp(info->default_text, "required") == 0;
}

static json_t *value_schema(capi_setting setting)
{
    const capi_setting_info *info = &capi_setting_infos[setting];

    switch (info->type) {
    case CAPI_SETTING_STRING: return string_schema(setting);
    case CAPI_SETTING_INT: return int_schema(setting);
    case CAPI_SETTING_BOOL: return json_pack("{s:[{s:s},o]}", "anyOf", "type", "boolean", parameter_of("bool"));
    case CAPI_SETTING_MAP:
        if (section_below(setting) != CAPI_SECTION_COUNT) return maps_below(setting);
        return json_pack("{s:s}", "type", "object");
    case CAPI_SETTING_NAMES: return map_schema(setting, maps_below(setting));
    case CAPI_SETTING_LIST: return json_pack("{s:s,s:o}", "type", "array", "items", maps_below(setting));
    case CAPI_SETTING_STRINGS:
        return json_pack("{s:[{s:s,s:i,s:{s:s}},o]}", "anyOf", "type", "array", "minItems", (int)is_required(info),
                         "items", "type", "string", parameter_of("stringlist"));
    case CAPI_SETTING_STRING_MAP: return map_schema(setting, string_schema(setting));
    case CAPI_SETTING_ANY: break;
    }
    return json_object();
}

/* ---- settings and sections ---- */

static json_t *described(json_t *schema, const capi_setting_info *info)
{
    const char *help = info->help;
    char text[256];

    if (strncmp(help, "OLD: ", 5) == 0) {
        snprintf(text, sizeof text, "older form of %s (default: %s)", help + 5, info->default_text);
        json_object_set_new(schema, "deprecated", json_true());
    } else {
        snprintf(text, sizeof text, is_required(info) ? "%s (%s)" : "%s (default: %s)", help, info->default_text);
    }
    json_object_set_new(schema, "description", json_string(text));
    return schema;
}

static json_t *setting_schema(capi_setting setting)
{
    const capi_setting_info *info = &capi_setting_infos[setting];
    json_t *value = value_schema(setting);

    if (is_required(info)) return described(value, info);
    return described(json_pack("{s:[o,{s:s}]}", "anyOf", value, "type", "null"), info);
}

/* Maps whose settings need not all be there though the table calls them required: the section itself may stand unused beside
 * another. */
static bool is_chosen(capi_section section)
{
    return section == CAPI_SECTION_WRITER_COLUMN_CSV || section == CAPI_SECTION_WRITER_COLUMN_PARQUET;
}

static json_t *section_schema(capi_section section)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    json_t *schema = json_pack("{s:s,s:s,s:o}", "description", capi_section_what(section), "type", "object",
                               "properties", properties);

    for (uint32_t i = 0; i < CAPI_SETTING_COUNT; i++) {
        if (capi_setting_infos[i].section != section) continue;
        json_object_set_new(properties, capi_setting_infos[i].name, setting_schema((capi_setting)i));
        if (is_required(&capi_setting_infos[i]))
            json_array_append_new(required, json_string(capi_setting_infos[i].name));
    }
    if (json_array_size(required) > 0 && !is_chosen(section))
        json_object_set_new(schema, "required", required);
    else
        json_decref(required);
    return schema;
}

/* "if its type is this, then its part is that" */
static json_t *node_part_schema(size_t index)
{
    json_t *chosen = json_pack("{s:{s:s}}", "type", "const", parts_of_nodes[index].type);
    json_t *required = json_pack("[s]", "type");

    if (parts_of_nodes[index].processor) {
        json_object_set_new(chosen, "custom_proc_type", json_pack("{s:s}", "const", parts_of_nodes[index].processor));
        json_array_append_new(required, json_string("custom_proc_type"));
    }
    return json_pack("{s:{s:o,s:o},s:{s:{s:o}}}", "if", "properties", chosen, "required", required, "then",
                     "properties", parts_of_nodes[index].part, reference_to(parts_of_nodes[index].section));
}

/* "if its type is this, then these settings must be there, and be one of these words" */
static json_t *node_words_schema(size_t index)
{
    json_t *required = words_list(needs_of_nodes[index].required);
    json_t *properties = json_object();

    if (needs_of_nodes[index].words)
        json_object_set_new(properties, needs_of_nodes[index].setting, words_schema(needs_of_nodes[index].words));
    return json_pack("{s:{s:{s:{s:s}},s:[s]},s:{s:o,s:o}}", "if", "properties", "type", "const",
                     needs_of_nodes[index].type, "required", "type", "then", "required", required, "properties",
                     properties);
}

static json_t *node_schema(void)
{
    json_t *schema = section_schema(CAPI_SECTION_NODE);
    json_t *parts = json_array();

    for (size_t i = 0; i < sizeof parts_of_nodes / sizeof *parts_of_nodes; i++)
        json_array_append_new(parts, node_part_schema(i));
    for (size_t i = 0; i < sizeof needs_of_nodes / sizeof *needs_of_nodes; i++)
        json_array_append_new(parts, node_words_schema(i));
    json_object_set_new(schema, "allOf", parts);
    return schema;
}

void capi_json_schema_append(capi_buf *to)
{
    json_t *root = json_pack("{s:s,s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title",
                             "Capillaries script");
    json_t *script = section_schema(CAPI_SECTION_SCRIPT);
    json_t *definitions = json_object();
    char *text;

    json_object_update(root, script);
    json_decref(script);
    for (int i = CAPI_SECTION_NODE; i < CAPI_SECTION_COUNT; i++) {
        json_t *reference = reference_to((capi_section)i);
        const char *name = json_string_value(json_object_get(reference, "$ref")) + strlen("#/$defs/");

        json_object_set_new(definitions, name,
                            i == CAPI_SECTION_NODE ? node_schema() : section_schema((capi_section)i));
        json_decref(reference);
    }
    json_object_set_new(root, "$defs", definitions);
    text = json_dumps(root, JSON_INDENT(1) | JSON_ENSURE_ASCII);
    assert(text);
    capi_buf_append_text(to, text);
    capi_buf_append_byte(to, '\n');
    free(text);
    json_decref(root);
}
