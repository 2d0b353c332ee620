/* load_policy.c - dependency policies, and the standard one for scripts without. */
#include "script/loader.h"

#include "script/policy.h"

/* Section 10.3 of the script specification, read like any other script. */
#define RULE(cmd, current, run, node)                                                                                  \
    "{\"cmd\": \"" cmd "\", \"expression\": \"nrs.run_is_current == " current " && " run node "\"}"
#define STARTED "nrs.run_status == wfmodel.RunStart"
#define STARTED_OR_NONE "(nrs.run_status == wfmodel.RunStart || nrs.run_status == wfmodel.RunNone)"
#define COMPLETE "nrs.run_status == wfmodel.RunComplete"
#define STOPPED "nrs.run_status == wfmodel.RunStop"
#define NODE(status) " && nrs.node_status == wfmodel.NodeBatch" status

/* clang-format off */
static const char standard_text[] =
    "{\"current_active_first_stopped_nogo\": {\"is_default\": true,"
    "\"event_priority_order\": \"run_is_current(desc), run_id(desc)\", \"rules\": ["
    RULE("go",   "true",  STARTED,         NODE("Success")) ","
    RULE("wait", "true",  STARTED_OR_NONE, NODE("None")) ","
    RULE("wait", "true",  STARTED_OR_NONE, NODE("Start")) ","
    RULE("nogo", "true",  STARTED,         NODE("Fail")) ","
    RULE("go",   "false", STARTED,         NODE("Success")) ","
    RULE("wait", "false", STARTED_OR_NONE, NODE("None")) ","
    RULE("wait", "false", STARTED_OR_NONE, NODE("Start")) ","
    RULE("go",   "false", COMPLETE,        NODE("Success")) ","
    RULE("nogo", "false", COMPLETE,        NODE("Fail")) ","
    RULE("nogo", "false", STOPPED,         "") "]}}";
/* clang-format on */

typedef struct policy_reader {
    capi_loader *loader;
    const capi_source *source;
    capi_name_list nrs, old, constants, order_names;
} policy_reader;

/* Rules are counted from 1; 0: the policy as a whole. */
static void about(policy_reader *reader, capi_str policy, uint32_t rule)
{
    capi_loader *loader = reader->loader;

    loader->report.context =
        rule == 0
            ? capi_str_format(loader->scratch, "in dependency policy \"%.*s\"", CAPI_STR_ARG(policy))
            : capi_str_format(loader->scratch, "in rule %u of dependency policy \"%.*s\"", rule, CAPI_STR_ARG(policy));
}

static void report_at(policy_reader *reader, const char *rule, const capi_tree *at, capi_str message)
{
    capi_report_error(&reader->loader->report, rule, reader->source, at->start, at->end, "%.*s", CAPI_STR_ARG(message));
}

/* ---- rules ---- */

static bool read_command(policy_reader *reader, const capi_settings *settings, const capi_tree *tree,
                         capi_policy_command *out)
{
    static const capi_str words[] = {{"go", 2}, {"wait", 4}, {"nogo", 4}};
    const capi_tree *value = capi_settings_value(settings, CAPI_SET_RULE_COMMAND);
    capi_arena *arena = reader->loader->arena;

    if (capi_settings_is_wrong(settings, CAPI_SET_RULE_COMMAND)) return false;
    for (int i = CAPI_POLICY_GO; value && i <= CAPI_POLICY_NOGO; i++)
        if (capi_str_equal(value->string, words[i])) {
            *out = (capi_policy_command)i;
            return true;
        }
    if (!value)
        report_at(reader, "S6", tree, CAPI_STR("\"cmd\" is missing; expected go, wait or nogo"));
    else
        report_at(reader, "S6", value,
                  capi_str_format(arena, "unknown command \"%.*s\"; expected go, wait or nogo%.*s",
                                  CAPI_STR_ARG(value->string),
                                  CAPI_STR_ARG(capi_did_you_mean(arena, value->string, words, 3))));
    return false;
}

static bool read_condition(policy_reader *reader, const capi_settings *settings, const capi_tree *tree,
                           const capi_expr **out)
{
    static const capi_expression_rules rules = {"V83", "V85", "V87", "V87", "V84"};
    const capi_tree *value = capi_settings_value(settings, CAPI_SET_RULE_EXPRESSION);
    capi_expression_place place;
    capi_name_scope scope = {0};
    capi_type wanted = CAPI_BOOL;

    if (capi_settings_is_wrong(settings, CAPI_SET_RULE_EXPRESSION)) return false;
    if (!value) {
        report_at(reader, "V87", tree, CAPI_STR("the \"expression\" is missing"));
        return false;
    }
    capi_name_scope_add(&scope, "nrs", &reader->nrs, true, CAPI_SIDE_READER);
    capi_name_scope_add(&scope, "e", &reader->old, true, CAPI_SIDE_READER);
    capi_name_scope_add(&scope, "wfmodel", &reader->constants, true, CAPI_SIDE_READER);
    scope.aliases[1].base = CAPI_EVENT_OLD_RUN_ID;
    scope.aliases[2].base = CAPI_EVENT_FIELD_COUNT;
    place = capi_loader_place(reader->loader, value, &rules);
    place.source = reader->source;
    return capi_expression_load(reader->loader->arena, &place, &scope, &wanted, "a rule", out);
}

static void read_rule(policy_reader *reader, capi_policy *policy, uint32_t number, const capi_tree *tree,
                      capi_policy_rule *out)
{
    capi_loader *loader = reader->loader;
    capi_settings settings;
    const capi_expr *expr = NULL;
    capi_program *program;

    about(reader, policy->name, number + 1);
    if (tree->kind == CAPI_TREE_NULL) report_at(reader, "V81", tree, CAPI_STR("the rule is null; expected a map"));
    capi_settings_read(&loader->report, reader->source, tree, CAPI_SECTION_RULE, "the rule", &settings);
    if (!settings.map) return;
    read_command(reader, &settings, tree, &out->command);
    if (!read_condition(reader, &settings, tree, &expr)) return;
    if (capi_expr_uses_alias(expr, CAPI_STR("e"))) policy->is_old = true;
    program = capi_program_new(loader->arena);
    capi_program_add(program, expr);
    out->program = program;
}

/* ---- policies ---- */

static void read_order(policy_reader *reader, capi_policy *policy, const capi_settings *settings)
{
    const capi_tree *value = capi_settings_value(settings, CAPI_SET_POLICY_ORDER);
    const capi_order_mistake *mistakes;

    if (!value) return;
    capi_order_read(reader->loader->arena, value->string, &reader->order_names, &policy->order, &mistakes);
    capi_loader_order_mistakes(reader->loader, reader->source, "V82", value, mistakes);
}

static void read_policy(policy_reader *reader, const capi_tree_member *member, capi_policy *policy)
{
    capi_settings settings;
    const capi_tree *rules;
    capi_policy_rule *made;

    policy->name = member->key->string;
    about(reader, policy->name, 0);
    if (member->value->kind == CAPI_TREE_NULL)
        report_at(reader, "V81", member->key, CAPI_STR("the policy is null; expected a map"));
    capi_settings_read(&reader->loader->report, reader->source, member->value, CAPI_SECTION_POLICY, "the policy",
                       &settings);
    policy->is_default = capi_settings_bool(&settings, CAPI_SET_POLICY_DEFAULT);
    read_order(reader, policy, &settings);
    rules = capi_settings_value(&settings, CAPI_SET_POLICY_RULES);
    policy->rule_count = rules ? rules->count : 0;
    made = capi_new_array(reader->loader->arena, capi_policy_rule, policy->rule_count);
    policy->rules = made;
    for (uint32_t i = 0; i < policy->rule_count; i++)
        read_rule(reader, policy, i, rules->items[i], &made[i]);
}

static void choose_default(policy_reader *reader, const capi_tree *map)
{
    capi_loader *loader = reader->loader;
    uint32_t default_count = 0;

    for (uint32_t i = 0; i < loader->policy_count; i++) {
        if (!loader->policies[i]->is_default) continue;
        loader->default_policy = loader->policies[i];
        default_count++;
    }
    if (loader->policy_count == 1) loader->default_policy = loader->policies[0];
    loader->report.context = (capi_str){0};
    if (loader->policy_count < 2 || default_count == 1) return;
    if (default_count == 0) {
        report_at(reader, "V86", map->members[0].key,
                  capi_str_format(loader->scratch, "none of %u policies has \"is_default\": true; exactly one must",
                                  loader->policy_count));
        return;
    }
    for (uint32_t i = 0, met = 0; i < loader->policy_count; i++)
        if (loader->policies[i]->is_default && ++met == 2)
            report_at(reader, "V86", map->members[i].key,
                      capi_str_format(loader->scratch, "%u policies have \"is_default\": true; exactly one must",
                                      default_count));
}

static const capi_tree *standard_policies(capi_loader *loader, capi_source *source)
{
    const capi_tree *tree = NULL;

    source->url = CAPI_STR("standard policy");
    source->text = source->original = CAPI_STR(standard_text);
    return capi_tree_from_json(loader->arena, source->text, &tree, NULL) == CAPI_OK ? tree : NULL;
}

void capi_load_policies(capi_loader *loader)
{
    const capi_tree *map = capi_settings_value(&loader->settings, CAPI_SET_POLICIES);
    capi_source *standard = capi_new(loader->arena, capi_source);
    policy_reader reader = {.loader = loader, .source = &loader->source};

    if (!map || map->count == 0) {
        map = standard_policies(loader, standard);
        reader.source = standard;
    }
    capi_event_names(loader->arena, &reader.nrs, &reader.old, &reader.constants);
    capi_event_order_names(loader->arena, &reader.order_names);
    loader->policies = capi_new_array(loader->arena, const capi_policy *, map->count);
    for (uint32_t i = 0; i < map->count; i++) {
        capi_policy *policy = capi_new(loader->arena, capi_policy);

        read_policy(&reader, &map->members[i], policy);
        loader->policies[loader->policy_count++] = policy;
    }
    choose_default(&reader, map);
}

const capi_policy *capi_loader_policy(const capi_loader *loader, capi_str name)
{
    for (uint32_t i = 0; i < loader->policy_count; i++)
        if (capi_str_equal(loader->policies[i]->name, name)) return loader->policies[i];
    return NULL;
}
