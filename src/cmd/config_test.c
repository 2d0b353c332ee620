/* config_test.c - settings from files and the environment. */
#include "base/test.h"
#include "cmd/config.h"

#include <stdio.h>
#include <unistd.h>

static const char *no_variables(const char *variable)
{
    (void)variable;
    return NULL;
}

static const char *few_variables(const char *variable)
{
    if (strcmp(variable, "CAPI_THREAD_POOL_SIZE") == 0) return "0x10";
    if (strcmp(variable, "CAPI_LOG_LEVEL") == 0) return "";
    if (strcmp(variable, "CAPI_CASSANDRA_HOSTS") == 0) return "10.5.0.11, 10.5.0.12";
    if (strcmp(variable, "CAPI_PRIVATE_KEYS") == 0) return "me:/a:b,you:/c";
    if (strcmp(variable, "CAPI_MEMORY") == 0) return "2G";
    return NULL;
}

static const char *bad_port(const char *variable)
{
    return strcmp(variable, "CAPI_PROMETHEUS_EXPORTER_PORT") == 0 ? "many" : NULL;
}

TEST(without_file_and_environment_there_are_defaults)
{
    capi_config config = {0};

    CHECK(capi_config_parse((capi_str){0}, no_variables, &config, NULL) == CAPI_OK);
    CHECK(capi_config_number(&config, CAPI_CONFIG_THREAD_POOL) == 5);
    CHECK(capi_str_is(capi_config_text(&config, CAPI_CONFIG_LOG_LEVEL), "info"));
    CHECK(capi_str_is(capi_config_text(&config, CAPI_CONFIG_METRICS_ADDRESS), "127.0.0.1"));
    capi_config_free(&config);
}

TEST(the_environment_wins_over_the_file_and_empty_variables_do_not_count)
{
    capi_config config = {0};
    const capi_config_value *keys = &config.values[CAPI_CONFIG_PRIVATE_KEYS];
    capi_str text =
        CAPI_STR("{\"daemon\": {\"thread_pool_size\": 3}, \"log\": {\"level\": \"warn\"}, \"amqp10_other\": 1}");

    CHECK(capi_config_parse(text, few_variables, &config, NULL) == CAPI_OK);
    CHECK(capi_config_number(&config, CAPI_CONFIG_THREAD_POOL) == 16);
    CHECK(capi_config_number(&config, CAPI_CONFIG_MEMORY) == INT64_C(2) << 30);
    CHECK(capi_str_is(capi_config_text(&config, CAPI_CONFIG_LOG_LEVEL), "warn"));
    CHECK(config.values[CAPI_CONFIG_CASSANDRA_HOSTS].item_count == 2);
    CHECK(capi_str_is(config.values[CAPI_CONFIG_CASSANDRA_HOSTS].items[1], "10.5.0.12"));
    CHECK(keys->item_count == 4 && capi_str_is(keys->items[0], "me") && capi_str_is(keys->items[1], "/a:b"));
    capi_config_free(&config);
}

static void check_refused(const char *text, const char *(*get)(const char *), const char *words)
{
    capi_config config = {0};
    capi_err err = {0};

    CHECK(capi_config_parse(capi_str_of(text), get, &config, &err) == CAPI_INVALID);
    CHECK(strstr(err.text, words) != NULL);
    capi_config_free(&config);
}

TEST(bad_values_are_refused_with_their_place)
{
    check_refused("{\"log\": ", no_variables, "line 1");
    check_refused("[]", no_variables, "no object");
    check_refused("{\"log\": {\"level\": \"loud\"}}", no_variables, "setting \"log.level\" is \"loud\"");
    check_refused("{\"log\": {\"level\": 1}}", no_variables, "setting \"log.level\" is 1, expected a string");
    check_refused("{\"log\": 1}", no_variables, "no object");
    check_refused("{\"daemon\": {\"thread_pool_size\": \"5\"}}", no_variables, "expected a whole number");
    check_refused("{\"amqp10\": {\"retry_method\": \"again\"}}", no_variables, "release or reject");
    check_refused("{}", bad_port, "environment variable CAPI_PROMETHEUS_EXPORTER_PORT is \"many\"");
}

static const char *wrong_words(const char *variable)
{
    if (strcmp(variable, "CAPI_LOG_LEVEL") == 0) return "loud";
    return NULL;
}

static const char *wrong_numbers(const char *variable)
{
    if (strcmp(variable, "CAPI_PROMETHEUS_EXPORTER_PORT") == 0) return "70000";
    return NULL;
}

TEST(what_is_wrong_in_the_environment_is_not_blamed_on_the_file)
{
    capi_config config = {.path = CAPI_STR("c.json")};
    capi_err err = {0};

    CHECK(capi_config_parse(CAPI_STR("{}"), wrong_words, &config, &err) == CAPI_INVALID);
    CHECK_STR(err.text, "environment variable CAPI_LOG_LEVEL is \"loud\", expected debug, info, warn or error");
    CHECK(capi_config_parse(CAPI_STR("{}"), wrong_numbers, &config, &err) == CAPI_INVALID);
    CHECK_STR(err.text, "environment variable CAPI_PROMETHEUS_EXPORTER_PORT is 70000, expected 0 to 65535");
    CHECK(capi_config_parse(CAPI_STR("{\"log\": {\"level\": \"loud\"}}"), no_variables, &config, &err) == CAPI_INVALID);
    CHECK_STR(err.text,
              "setting \"log.level\" is \"loud\", expected debug, info, warn or error\n  in the configuration "
              "file \"c.json\"");
    capi_config_free(&config);
}

TEST(a_port_or_time_out_of_range_is_refused)
{
    check_refused("{\"log\": {\"prometheus_exporter_port\": 65536}}", no_variables,
                  "setting \"log.prometheus_exporter_port\" is 65536, expected 0 to 65535");
    check_refused("{\"log\": {\"prometheus_exporter_port\": -1}}", no_variables, "0 to 65535");
    check_refused("{\"daemon\": {\"lease\": 5}}", no_variables,
                  "setting \"daemon.lease\" is 5, expected 100 to 3600000");
}

TEST(a_number_out_of_range_is_the_default_and_said)
{
    capi_config config = {0};

    CHECK(capi_config_parse(CAPI_STR("{\"daemon\": {\"thread_pool_size\": 101}}"), no_variables, &config, NULL) ==
          CAPI_OK);
    CHECK(capi_config_number(&config, CAPI_CONFIG_THREAD_POOL) == 5);
    CHECK(config.warning_count == 1);
    capi_config_free(&config);
}

TEST(settings_of_the_old_version_stand_in_for_the_new)
{
    capi_config config = {0};
    capi_str text =
        CAPI_STR("{\"thread_pool_size\": 7, \"zap_config\": {\"level\": \"debug\"}, \"amqp\": {\"url\": \"x\"}}");

    CHECK(capi_config_parse(text, no_variables, &config, NULL) == CAPI_OK);
    CHECK(capi_config_number(&config, CAPI_CONFIG_THREAD_POOL) == 7);
    CHECK(capi_str_is(capi_config_text(&config, CAPI_CONFIG_LOG_LEVEL), "debug"));
    CHECK(config.warning_count == 1);
    capi_config_free(&config);
}

TEST(secrets_are_not_shown)
{
    capi_config config = {0};
    capi_buf text = {0};
    capi_str json =
        CAPI_STR("{\"cassandra\": {\"hosts\": [\"h\"], \"username\": \"secretary\", \"password\": \"secret\"}, "
                 "\"amqp10\": {\"url\": \"amqp://me:secret@host:5672/\"}}");

    CHECK(capi_config_parse(json, no_variables, &config, NULL) == CAPI_OK);
    capi_config_describe(&config, &text);
    CHECK(capi_str_find(capi_buf_str(&text), CAPI_STR("secret")) < 0);
    CHECK(capi_str_find(capi_buf_str(&text), CAPI_STR("amqp://...@host:5672/")) > 0);
    CHECK(capi_str_find(capi_buf_str(&text), CAPI_STR("\"hosts\":[\"h\"]")) > 0);
    capi_buf_deinit(&text);
    capi_config_free(&config);
}

static char secret_path[600];

static const char *secret_files(const char *variable)
{
    if (strcmp(variable, "CAPI_AMQP10_URL_FILE") == 0) return secret_path;
    return strcmp(variable, "CAPI_THREAD_POOL_SIZE_FILE") == 0 ? "/no/such/file" : NULL; /* no secret */
}

static const char *secret_twice(const char *variable)
{
    return strcmp(variable, "CAPI_AMQP10_URL") == 0 ? "amqp://other" : secret_files(variable);
}

static void write_secret(const char *text)
{
    FILE *file = fopen(secret_path, "wb");

    CHECK(file != NULL);
    fputs(text, file);
    fclose(file);
}

TEST(secrets_may_stand_in_files)
{
    capi_config config = {0};

    snprintf(secret_path, sizeof secret_path, "%s/url", capi_test_folder());
    write_secret("amqp://me:secret@host:5672/\n");
    CHECK(capi_config_parse(CAPI_STR("{\"amqp10\": {\"url\": \"amqp://file\"}}"), secret_files, &config, NULL) ==
          CAPI_OK);
    CHECK(capi_str_is(capi_config_text(&config, CAPI_CONFIG_AMQP10_URL), "amqp://me:secret@host:5672/"));
    capi_config_free(&config);
    check_refused("{}", secret_twice, "CAPI_AMQP10_URL and CAPI_AMQP10_URL_FILE are both set");
    write_secret("\n");
    check_refused("{}", secret_files, "holds no secret");
    write_secret("one\ntwo\n");
    check_refused("{}", secret_files, "expected one line");
    unlink(secret_path);
    check_refused("{}", secret_files, "No such file");
}

TEST(a_configuration_with_cassandra_hosts_means_cassandra)
{
    capi_config config = {0};
    capi_arena arena = {0};
    capi_err err = {0};
    capi_str folder;

    CHECK(capi_config_parse(CAPI_STR("{\"cassandra\": {\"hosts\": [\"h\"]}}"), no_variables, &config, NULL) == CAPI_OK);
    CHECK(capi_config_data_folder(&config, &arena, &folder, &err) == CAPI_INVALID);
    CHECK(strstr(err.text, "cassandra.hosts") != NULL);
    capi_config_free(&config);
    CHECK(capi_config_parse(CAPI_STR("{\"cassandra\": {\"hosts\": [\"h\"]}, \"store\": {\"type\": \"embedded\"}}"),
                            no_variables, &config, NULL) == CAPI_OK);
    config.path = CAPI_STR("/etc/capi/capidaemon.json");
    CHECK(capi_config_data_folder(&config, &arena, &folder, &err) == CAPI_OK);
    CHECK(capi_str_is(folder, "/etc/capi/capillaries_data"));
    capi_config_free(&config);
    capi_arena_deinit(&arena);
}
