/* config.h - the settings of the daemon and the toolbelt: a JSON file, then the environment, then defaults.
 *
 *     environment > file > default
 *
 * Secrets and URLs may also come from a file: <variable>_FILE names it.
 *
 * All settings are one table, from which reading, checking, the log of the effective configuration and the manual come. The
 * file is <program>.json, in the folder of the executable or in the current one. Unknown keys are ignored; a value that cannot
 * be is an error that names its place. */
#pragma once

#include "run/run.h"

typedef enum capi_config_type {
    CAPI_CONFIG_STRING,
    CAPI_CONFIG_SECRET, /* a string that is never shown */
    CAPI_CONFIG_URL,    /* a string; user and password in it are never shown */
    CAPI_CONFIG_INT,
    CAPI_CONFIG_BOOL,
    CAPI_CONFIG_BYTES,   /* a number, or a string such as "2G" */
    CAPI_CONFIG_STRINGS, /* list; in the environment with commas */
    CAPI_CONFIG_MAP,     /* of strings; in the environment key:value,key:value */
    CAPI_CONFIG_OBJECT,  /* only in the file */
} capi_config_type;

typedef enum capi_config_use {
    CAPI_CONFIG_USED,
    CAPI_CONFIG_ACCEPTED, /* of Capillaries; checked, and without effect here */
    CAPI_CONFIG_OLD,      /* of Capillaries 1.1.6: used where the new key is absent */
} capi_config_use;

#define CAPI_CONFIG_INT_MAX INT64_C(0x7fffffff)

/* id, key, type, use, default, environment variable (or ""), least and greatest (of numbers), meaning. */
#define CAPI_CONFIG_SETTINGS(X)                                                                                        \
    X(EXECUTABLE_TYPE, "handler_executable_type", STRING, USED, "", "", 0, 0, "name of the program in the log")        \
    X(STORE_TYPE, "store.type", STRING, USED, "", "CAPI_STORE_TYPE", 0, 0,                                             \
      "embedded or cassandra; default: cassandra if cassandra.hosts is set, else embedded")                            \
    X(STORE_FOLDER, "store.folder", STRING, USED, "", "CAPI_DATA", 0, 0,                                               \
      "data folder of the embedded store; default: capillaries_data beside the configuration file")                    \
    X(THREAD_POOL, "daemon.thread_pool_size", INT, USED, "5", "CAPI_THREAD_POOL_SIZE", 1, 100, "batches open at once") \
    X(THREADS, "daemon.threads", INT, USED, "0", "CAPI_THREADS", 0, 1024,                                              \
      "threads that work on rows; 0: one per core")                                                                    \
    X(MEMORY, "daemon.memory", BYTES, USED, "0", "CAPI_MEMORY", 0, 0,                                                  \
      "memory budget, such as 2G; 0: half of the machine or control group")                                            \
    X(LEASE, "daemon.lease", INT, USED, "10000", "CAPI_LEASE", 100, 3600000,                                           \
      "ms; a process that is silent so long is dead, and its work taken over")                                         \
    X(PATIENCE, "daemon.patience", INT, USED, "300000", "CAPI_PATIENCE", 100, 86400000,                                \
      "ms; how long a batch is tried again while a disk is full, or a server or the store does not answer")            \
    X(LOG_LEVEL, "log.level", STRING, USED, "info", "CAPI_LOG_LEVEL", 0, 0, "debug, info, warn or error")              \
    X(LOG_FILE, "log.log_file", STRING, USED, "", "CAPI_LOG_FILE", 0, 0,                                               \
      "file for the log, besides standard output; a new one every 1 MB and on SIGHUP")                                 \
    X(METRICS_PORT, "log.prometheus_exporter_port", INT, USED, "0", "CAPI_PROMETHEUS_EXPORTER_PORT", 0, 65535,         \
      "port of /metrics, /healthz and /readyz; 0: none")                                                               \
    X(METRICS_ADDRESS, "log.prometheus_exporter_address", STRING, USED, "127.0.0.1",                                   \
      "CAPI_PROMETHEUS_EXPORTER_ADDRESS", 0, 0, "address to listen on; 0.0.0.0: all interfaces")                       \
    X(PROCESSORS, "custom_processors", OBJECT, USED, "", "", 0, 0,                                                     \
      "which custom processors there are; absent: all of them")                                                        \
    X(PYTHON_PATH, "custom_processors.py_calc.python_interpreter_path", STRING, USED, "",                              \
      "CAPI_PYCALC_INTERPRETER_PATH", 0, 0, "Python interpreter; default: python3")                                    \
    X(PYTHON_PARAMS, "custom_processors.py_calc.python_interpreter_params", STRINGS, USED, "",                         \
      "CAPI_PYCALC_INTERPRETER_PARAMS", 0, 0, "its arguments")                                                         \
    X(PYTHON_TIMEOUT, "custom_processors.py_calc.execution_timeout", INT, USED, "0", "CAPI_PYCALC_EXECUTION_TIMEOUT",  \
      0, CAPI_CONFIG_INT_MAX, "ms for a page of rows; 0: no limit")                                                    \
    X(PYTHON_SANDBOX, "custom_processors.py_calc.python_sandbox", STRING, USED, "on", "CAPI_PYTHON_SANDBOX", 0, 0,     \
      "off: formulas may do what the user of the process may")                                                         \
    X(PYTHON_READ_PATHS, "custom_processors.py_calc.python_read_paths", STRINGS, USED, "", "", 0, 0,                   \
      "folders that formulas may read besides the interpreter's own; CAPI_PYTHON_READ_PATHS, with colons, goes "       \
      "before")                                                                                                        \
    X(PROCESSOR_TAG, "custom_processors.tag_and_denormalize", OBJECT, USED, "", "", 0, 0,                              \
      "may be {}; must be there if custom_processors is and a script uses it")                                         \
    X(MQ_TYPE, "mq_type", STRING, USED, "", "CAPI_MQ_TYPE", 0, 0,                                                      \
      "none; amqp10, amqp091 and capimq are accepted: the embedded store needs no queue")                              \
    X(CASSANDRA_HOSTS, "cassandra.hosts", STRINGS, USED, "", "CAPI_CASSANDRA_HOSTS", 0, 0,                             \
      "hosts of a Cassandra cluster: refused, as this program has the embedded store only")                            \
    X(CASSANDRA_PORT, "cassandra.port", INT, ACCEPTED, "0", "CAPI_CASSANDRA_PORT", 0, 65535, "port")                   \
    X(CASSANDRA_USER, "cassandra.username", SECRET, ACCEPTED, "", "CAPI_CASSANDRA_USERNAME", 0, 0, "user")             \
    X(CASSANDRA_PASSWORD, "cassandra.password", SECRET, ACCEPTED, "", "CAPI_CASSANDRA_PASSWORD", 0, 0, "password")     \
    X(CASSANDRA_REPLICATION, "cassandra.keyspace_replication_config", STRING, ACCEPTED, "",                            \
      "CAPI_CASSANDRA_KEYSPACE_REPLICATION_CONFIG", 0, 0, "text after WITH REPLICATION =")                             \
    X(CASSANDRA_WORKERS, "cassandra.writer_workers", INT, ACCEPTED, "0", "CAPI_CASSANDRA_WRITER_WORKERS", 0,           \
      CAPI_CONFIG_INT_MAX, "parallel inserters of a batch")                                                            \
    X(CASSANDRA_CONNECTIONS, "cassandra.num_conns", INT, ACCEPTED, "0", "CAPI_CASSANDRA_NUM_CONNS", 0,                 \
      CAPI_CONFIG_INT_MAX, "connections to a host")                                                                    \
    X(CASSANDRA_TIMEOUT, "cassandra.timeout", INT, ACCEPTED, "0", "CAPI_CASSANDRA_TIMEOUT", 0, CAPI_CONFIG_INT_MAX,    \
      "ms")                                                                                                            \
    X(CASSANDRA_CONNECT_TIMEOUT, "cassandra.connect_timeout", INT, ACCEPTED, "0", "CAPI_CASSANDRA_CONNECT_TIMEOUT", 0, \
      CAPI_CONFIG_INT_MAX, "ms")                                                                                       \
    X(CASSANDRA_CONSISTENCY, "cassandra.consistency", STRING, ACCEPTED, "", "CAPI_CASSANDRA_CONSISTENCY", 0, 0,        \
      "consistency level")                                                                                             \
    X(CASSANDRA_NO_LOOKUP, "cassandra.disable_initial_host_lookup", BOOL, ACCEPTED, "false",                           \
      "CAPI_CASSANDRA_DISABLE_INITIAL_HOST_LOOKUP", 0, 0, "use only the hosts that are listed")                        \
    X(CASSANDRA_CERT, "cassandra.ssl_opts.cert_path", STRING, ACCEPTED, "", "CAPI_CASSANDRA_CERT_PATH", 0, 0,          \
      "certificate")                                                                                                   \
    X(CASSANDRA_KEY, "cassandra.ssl_opts.key_path", STRING, ACCEPTED, "", "CAPI_CASSANDRA_KEY_PATH", 0, 0, "its key")  \
    X(CASSANDRA_CA, "cassandra.ssl_opts.ca_path", STRING, ACCEPTED, "", "CAPI_CASSANDRA_CA_PATH", 0, 0, "authorities") \
    X(CASSANDRA_VERIFY, "cassandra.ssl_opts.enable_host_verification", BOOL, ACCEPTED, "false",                        \
      "CAPI_CASSANDRA_ENABLE_HOST_VERIFICATION", 0, 0, "check the name in the certificate")                            \
    X(AMQP10_URL, "amqp10.url", URL, ACCEPTED, "", "CAPI_AMQP10_URL", 0, 0, "broker")                                  \
    X(AMQP10_ADDRESS, "amqp10.address", STRING, ACCEPTED, "", "CAPI_AMQP10_ADDRESS", 0, 0, "queue")                    \
    X(AMQP10_RETRY, "amqp10.retry_method", STRING, ACCEPTED, "", "CAPI_AMQP10_RETRY_METHOD", 0, 0,                     \
      "release or reject")                                                                                             \
    X(AMQP10_CREDIT, "amqp10.min_credit_window", INT, ACCEPTED, "0", "CAPI_AMQP10_MIN_CREDIT_WINDOW", 0,               \
      INT64_C(0xffffffff), "messages")                                                                                 \
    X(CAPIMQ_URL, "capimq_client.url", URL, ACCEPTED, "", "CAPI_CAPIMQ_CLIENT_URL", 0, 0, "broker")                    \
    X(CAPIMQ_HEARTBEAT, "capimq_client.heartbeat_interval", INT, ACCEPTED, "0",                                        \
      "CAPI_CAPIMQ_CLIENT_HEARTBEAT_INTERVAL", 0, CAPI_CONFIG_INT_MAX, "ms")                                           \
    X(CA_PATH, "ca_path", STRING, USED, "", "CAPI_CA_PATH", 0, 0,                                                      \
      "folder of PEM files: the only authorities trusted by HTTPS; default: the system's")                             \
    X(PRIVATE_KEYS, "private_keys", MAP, USED, "", "CAPI_PRIVATE_KEYS", 0, 0, "user to key file, for SFTP")            \
    X(KNOWN_HOSTS, "known_hosts", STRING, USED, "", "CAPI_KNOWN_HOSTS", 0, 0,                                          \
      "file of host keys for SFTP; default: ~/.ssh/known_hosts")                                                       \
    X(HOST_CHECK, "check_host_keys", BOOL, USED, "true", "CAPI_CHECK_HOST_KEYS", 0, 0,                                 \
      "false: any SFTP server is believed")                                                                            \
    X(S3_ENDPOINT, "s3_endpoint", URL, USED, "", "CAPI_S3_ENDPOINT", 0, 0,                                             \
      "server for s3://, such as http://127.0.0.1:9000; default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else Amazon")  \
    X(TRANSFER_IDLE, "transfer.idle_timeout", INT, USED, "30000", "CAPI_TRANSFER_IDLE_TIMEOUT", 100, 3600000,          \
      "ms without a byte after which a connection is given up")                                                        \
    X(TRANSFER_BUDGET, "transfer.retry_budget", INT, USED, "120000", "CAPI_TRANSFER_RETRY_BUDGET", 100, 86400000,      \
      "ms since the last byte for which a transfer is tried again")                                                    \
    X(OLD_THREAD_POOL, "thread_pool_size", INT, OLD, "0", "", 0, 100, "see daemon.thread_pool_size")                   \
    X(OLD_LOG_LEVEL, "zap_config.level", STRING, OLD, "", "", 0, 0, "see log.level")

typedef enum capi_config_id {
#define X(id, key, type, use, fallback, variable, least, greatest, meaning) CAPI_CONFIG_##id,
    CAPI_CONFIG_SETTINGS(X)
#undef X
        CAPI_CONFIG_COUNT,
} capi_config_id;

typedef struct capi_config_setting {
    const char *key; /* dots lead into objects */
    capi_config_type type;
    capi_config_use use;
    const char *fallback;
    const char *variable; /* "": none */
    int64_t least, greatest;
    const char *meaning;
} capi_config_setting;

extern const capi_config_setting capi_config_settings[CAPI_CONFIG_COUNT];
const char *capi_config_type_name(capi_config_type type);

typedef struct capi_config_value {
    bool is_set; /* in the file or the environment */
    capi_str text;
    bool is_from_environment;
    int64_t number;  /* INT, BYTES, BOOL */
    capi_str *items; /* STRINGS; MAP: key, value, key, value, ... */
    uint32_t item_count;
    capi_str json; /* OBJECT: its text */
} capi_config_value;

enum { CAPI_CONFIG_WARNINGS_MAX = 32 };

typedef struct capi_config {
    capi_arena arena;
    capi_str path; /* of the file; empty: there is none */
    capi_str text; /* what it said when it was read */
    capi_config_value values[CAPI_CONFIG_COUNT];
    capi_str warnings[CAPI_CONFIG_WARNINGS_MAX];
    uint32_t warning_count;
} capi_config;

/* Where <name> is: the folder of the executable, then the current one. CAPI_NOT_FOUND names both. */
CAPI_MUST_USE capi_status capi_config_find(const char *name, capi_arena *arena, capi_str *path, capi_err *err);

/* Reads a file (path empty: none), then the environment. Whatever happens, end with capi_config_free. */
CAPI_MUST_USE capi_status capi_config_load(capi_str path, capi_config *out, capi_err *err);
/* The same from a text; `get` stands for getenv. For tests. */
CAPI_MUST_USE capi_status capi_config_parse(capi_str text, const char *(*get)(const char *variable), capi_config *out,
                                            capi_err *err);
void capi_config_free(capi_config *config);

static inline capi_str capi_config_text(const capi_config *config, capi_config_id id)
{
    return config->values[id].text;
}

static inline int64_t capi_config_number(const capi_config *config, capi_config_id id)
{
    return config->values[id].number;
}

/* What is in effect, as JSON in one line; secrets are "...". */
void capi_config_describe(const capi_config *config, capi_buf *to);

/* The data folder: store.folder, else beside the file. CAPI_INVALID when another store is asked for. */
CAPI_MUST_USE capi_status capi_config_data_folder(const capi_config *config, capi_arena *arena, capi_str *out,
                                                  capi_err *err);
/* Gives the Python processor its settings. Before the first thread. */
void capi_config_apply_python(const capi_config *config);
