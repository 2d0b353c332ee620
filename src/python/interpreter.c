/* interpreter.c - asks the interpreter where it lies, then prepares the sandbox for it.
 *
 * "python3" may be a link, a virtual environment or a script that starts another program, so the interpreter is run once,
 * outside of the sandbox and without any code of users, to say what it is and which files it reads. */
#include "python/interpreter.h"

#include "python/answer.h"
#include "python/process.h"
#include "python/worker_source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PROBE_BYTES_MAX = 1 << 20,
    PROBE_TIMEOUT_MS = 20000,
    PROBE_PATHS_MAX = 1024,
    PROBE_END_MS = 2000, /* between its last word and its end */
    PARAMS_MAX = 32,
    COMPLAINT_BYTES_MAX = 600
};

/* Executable, version, then "x" or "r" and a path: what must be executable, what readable. It runs without "site" (-S), which
 * may take longer than all the rest, so the folders that site would add are found here. */
static const char probe_source[] =
    "import sys\n"
    "sys.path = [p for p in sys.path if p]\n" /* not the working directory, in which anything may lie */
    "import os, site\n"
    "mapped = set()\n"
    "try:\n"
    "    with open('/proc/self/maps') as file:\n"
    "        mapped = set(line.split(None, 5)[5].strip() for line in file if line.count('/'))\n"
    "except OSError: pass\n"
    "run = [sys.executable] + [p for p in mapped if os.path.basename(p).startswith('ld')]\n"
    "prefixes = set([sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix])\n"
    "home = os.path.dirname(os.path.dirname(os.path.abspath(sys.executable)))\n"
    "if os.path.exists(os.path.join(home, 'pyvenv.cfg')): prefixes.add(home)\n"
    "read = [p for p in sys.path if p] + [os.path.dirname(os.__file__)] + [p for p in mapped if '.so' in p]\n"
    "folders = site.getsitepackages(sorted(prefixes)) + [site.getusersitepackages()]\n"
    "read += folders + [os.path.join(p, 'pyvenv.cfg') for p in prefixes]\n"
    "read += [os.path.join(p, 'lib') for p in prefixes if p != '/']\n"
    "for folder in folders:\n"
    "    for name in os.listdir(folder) if os.path.isdir(folder) else []:\n"
    "        if not name.endswith('.pth'): continue\n"
    "        with open(os.path.join(folder, name), errors='replace') as file:\n"
    "            lines = [line.strip() for line in file]\n"
    "        read += [os.path.join(folder, l) for l in lines if l and not l.startswith(('#', 'import ', "
    "'import\\t'))]\n"
    "out = [sys.executable, '%d.%d.%d' % sys.version_info[:3]]\n"
    "out += ['x' + p for p in run] + ['r' + os.path.abspath(p) for p in read]\n"
    "sys.stdout.buffer.write(b'\\0'.join(os.fsencode(p) for p in out))\n";

/* What else programs read everywhere: libraries, zones, the shape of the machine. */
static const char *const common_paths[] = {
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/dev/null",
    "/dev/zero",
    "/dev/urandom",
    "/dev/random",
    "/sys/devices/system/cpu",
};

/* Settings that a worker gets from the environment of this process; all others stay here. */
static const char *const kept_variables[] = {"PATH", "HOME", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH"};

/* Locale, zone and order of sets are the same everywhere; libraries do not start a thread per core; and memory for threads
 * is not set aside beyond need. */
static const char *const fixed_variables[] = {
    "LC_ALL=C.UTF-8",
    "TZ=UTC",
    "PYTHONUTF8=1",
    "PYTHONHASHSEED=0",
    "PYTHONDONTWRITEBYTECODE=1",
    "OMP_NUM_THREADS=1",
    "OPENBLAS_NUM_THREADS=1",
    "MKL_NUM_THREADS=1",
    "MALLOC_ARENA_MAX=2",
};

static char *params[PARAMS_MAX]; /* options of the user's */
static uint32_t param_count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static capi_arena arena;
static interpreter found;
static bool is_known;
static capi_status known_status;
static capi_err known_err;

/* ---- asking ---- */

static capi_status read_answer(int fd, capi_buf *answer, capi_err *err)
{
    struct timespec start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        struct pollfd waiting = {fd, POLLIN, 0};
        ssize_t got;

        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - start.tv_sec) * 1000 > PROBE_TIMEOUT_MS || answer->bytes > PROBE_BYTES_MAX)
            return capi_err_set(err, CAPI_UNAVAILABLE,
                                "the Python interpreter \"%s\" does not say within %d s what it is", found.configured,
                                PROBE_TIMEOUT_MS / 1000);
        if (poll(&waiting, 1, 100) <= 0) continue;
        got = read(fd, capi_buf_reserve(answer, 65536), 65536);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return CAPI_OK;
        answer->bytes += (size_t)got;
    }
}

/* Somebody who kills processes, or a machine without memory, says nothing about the interpreter: it will be asked again. */
static capi_status await_end(pid_t pid, bool has_answered, capi_err *err)
{
    struct timespec pause = {.tv_nsec = 1000000};
    bool has_ended = false;
    int wait_status = 0;

    for (int i = 0; i < PROBE_END_MS && !(has_ended = process_has_ended(pid, &wait_status)); i++)
        nanosleep(&pause, NULL);
    if (!has_ended) process_end(pid, &wait_status);
    if (!has_ended || has_answered || !WIFSIGNALED(wait_status)) return CAPI_OK;
    return capi_err_set(err, CAPI_UNAVAILABLE,
                        "the Python interpreter \"%s\" was killed by signal %d (%s) before it began", found.configured,
                        WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
}

/* What it says on standard output, and what on standard error. */
static capi_status ask(char **argv, capi_buf *answer, capi_buf *complaint, capi_err *err)
{
    extern char **environ;
    process_options options = {
        .path = found.configured, .argv = argv, .envp = environ, .channel_fd = -1, .memory_fd = -1};
    int ends[2];
    ssize_t got;
    pid_t pid;
    capi_status st;

    if (pipe2(ends, O_CLOEXEC) != 0) return capi_err_set_errno(err, errno, "could not start the Python interpreter");
    options.stdout_fd = ends[1];
    options.stderr_fd = memfd_create("complaint", MFD_CLOEXEC); /* -1: it is lost */
    st = process_start(&options, &pid, err);
    close(ends[1]);
    if (st == CAPI_OK) {
        st = read_answer(ends[0], answer, err);
        if (st == CAPI_OK)
            st = await_end(pid, answer->bytes > 0, err);
        else
            process_end(pid, &(int){0});
    }
    close(ends[0]);
    if (options.stderr_fd < 0) return st;
    got = pread(options.stderr_fd, capi_buf_reserve(complaint, COMPLAINT_BYTES_MAX), COMPLAINT_BYTES_MAX, 0);
    if (got > 0) complaint->bytes += (size_t)got;
    close(options.stderr_fd);
    return st;
}

/* ---- what a worker is started with ---- */

typedef enum option_kind { OPTION_PLAIN, OPTION_TAKES_VALUE, OPTION_REFUSED } option_kind;

/* Several letters may share a dash. */
static option_kind letters_kind(const char *letters)
{
    for (const char *at = letters; *at; at++) {
        if (*at == 'X' || *at == 'W') return at[1] ? OPTION_PLAIN : OPTION_TAKES_VALUE;
        if (strchr("cmhV?", *at)) return OPTION_REFUSED;
    }
    return OPTION_PLAIN;
}

/* An option as Python knows it; those that make it do something else than formulas are refused. */
static option_kind kind_of_option(const char *option)
{
    if (option[0] != '-' || !option[1]) return OPTION_REFUSED;
    if (option[1] != '-') return letters_kind(option + 1);
    return strcmp(option, "--check-hash-based-pycs") == 0 ? OPTION_TAKES_VALUE : OPTION_REFUSED;
}

/* The parts of CAPI_PYCALC_INTERPRETER_PARAMS (comma-separated) that are options and their values. "-" stood for the program,
 * which is ours, and "-u" has no meaning for it. */
static capi_status split_params(capi_err *err)
{
    const char *text = getenv("CAPI_PYCALC_INTERPRETER_PARAMS");
    bool is_value = false;

    for (const char *at = text ? text : ""; *at;) {
        size_t bytes = strcspn(at, ",");
        capi_str param = capi_str_trim((capi_str){at, bytes});
        option_kind kind;

        at += bytes + (at[bytes] == ',');
        if (!is_value && (param.bytes == 0 || capi_str_is(param, "-") || capi_str_is(param, "-u"))) continue;
        if (param_count == PARAMS_MAX)
            return capi_err_set(err, CAPI_INVALID, "CAPI_PYCALC_INTERPRETER_PARAMS has more than %d parameters",
                                PARAMS_MAX);
        params[param_count] = (char *)capi_str_copy(&arena, param).data;
        kind = is_value ? OPTION_PLAIN : kind_of_option(params[param_count]);
        if (kind == OPTION_REFUSED)
            return capi_err_set(err, CAPI_INVALID,
                                "CAPI_PYCALC_INTERPRETER_PARAMS has \"%s\", expected options that change how Python "
                                "computes, such as -O or -X,utf8=0",
                                params[param_count]);
        param_count++;
        is_value = kind == OPTION_TAKES_VALUE;
    }
    if (!is_value) return CAPI_OK;
    return capi_err_set(err, CAPI_INVALID, "CAPI_PYCALC_INTERPRETER_PARAMS ends with \"%s\", which takes a value",
                        params[param_count - 1]);
}

static char **make_argv(const char *program, const char *first, const char *source)
{
    char **argv = capi_new_array(&arena, char *, param_count + 5);
    uint32_t at = 0;

    argv[at++] = (char *)program;
    if (first) argv[at++] = (char *)first;
    for (uint32_t i = 0; i < param_count; i++)
        argv[at++] = params[i];
    argv[at++] = "-c";
    argv[at] = (char *)source;
    return argv;
}

static char **make_envp(void)
{
    size_t kept = sizeof kept_variables / sizeof *kept_variables;
    size_t fixed = sizeof fixed_variables / sizeof *fixed_variables;
    char **envp = capi_new_array(&arena, char *, kept + fixed + 1);
    size_t count = 0;

    for (size_t i = 0; i < kept; i++) {
        const char *value = getenv(kept_variables[i]);

        if (value) envp[count++] = (char *)capi_str_format(&arena, "%s=%s", kept_variables[i], value).data;
    }
    for (size_t i = 0; i < fixed; i++)
        envp[count++] = (char *)fixed_variables[i];
    return envp;
}

/* ---- the sandbox around it ---- */

static capi_str next_part(capi_str *rest, char separator)
{
    const char *end = rest->bytes ? memchr(rest->data, separator, rest->bytes) : NULL;
    capi_str part = {rest->data, end ? (size_t)(end - rest->data) : rest->bytes};

    *rest = end ? capi_str_slice(*rest, part.bytes + 1, rest->bytes) : (capi_str){0};
    return part;
}

/* Folders of the user's that formulas may read: CAPI_PYTHON_READ_PATHS, separated by colons. */
static capi_status add_user_paths(capi_str *paths, uint32_t *count, capi_err *err)
{
    capi_str rest = capi_str_of(getenv("CAPI_PYTHON_READ_PATHS"));

    while (rest.bytes && *count < PROBE_PATHS_MAX) {
        capi_str path = next_part(&rest, ':');

        if (path.bytes && path.data[0] != '/')
            return capi_err_set(err, CAPI_INVALID,
                                "CAPI_PYTHON_READ_PATHS has \"%.*s\", expected paths that begin with /",
                                CAPI_STR_ARG(path));
        paths[(*count)++] = path;
    }
    return CAPI_OK;
}

/* worker.py needs what 3.8 brought. */
static bool is_too_old(const char *version)
{
    return strtol(version, NULL, 10) == 3 && strtol(version + 2, NULL, 10) < 8;
}

/* The parameters it was started with, and what it said about that. */
static capi_status blame_interpreter(capi_str complaint, capi_err *err)
{
    capi_buf words = {0};
    capi_status st;

    complaint = capi_str_trim(complaint);
    for (uint32_t i = 0; i < param_count; i++)
        capi_buf_printf(&words, "%s%s", i ? " " : " with the parameters ", params[i]);
    capi_buf_append_text(&words, " is no Python interpreter that works; 3.8 or later is needed");
    if (complaint.bytes) capi_buf_append_text(&words, "; it says:");
    while (complaint.bytes) {
        capi_buf_append_text(&words, "\n    ");
        answer_append_words(next_part(&complaint, '\n'), &words);
    }
    st = capi_err_set(err, CAPI_INVALID, "\"%s\"%.*s", found.configured, (int)words.bytes, words.data);
    capi_buf_deinit(&words);
    return st;
}

static capi_status take_answer(capi_str answer, capi_str complaint, capi_err *err)
{
    capi_str *readable = capi_new_array(&arena, capi_str, PROBE_PATHS_MAX);
    capi_str *executable = capi_new_array(&arena, capi_str, PROBE_PATHS_MAX);
    sandbox_paths paths = {.readable = readable, .executable = executable};
    capi_str rest = answer;

    found.executable = capi_str_copy(&arena, next_part(&rest, 0)).data;
    found.version = capi_str_copy(&arena, next_part(&rest, 0)).data;
    if (found.executable[0] != '/' || !found.version[0]) return blame_interpreter(complaint, err);
    if (is_too_old(found.version))
        return capi_err_set(err, CAPI_INVALID, "\"%s\" is Python %s; 3.8 or later is needed", found.configured,
                            found.version);
    for (size_t i = 0; i < sizeof common_paths / sizeof *common_paths; i++)
        readable[paths.readable_count++] = capi_str_of(common_paths[i]);
    CAPI_TRY(add_user_paths(readable, &paths.readable_count, err));
    while (rest.bytes) {
        capi_str part = next_part(&rest, 0);
        capi_str path = part.bytes ? capi_str_slice(part, 1, part.bytes) : part;

        if (path.bytes == 0) continue;
        if (part.data[0] == 'x' && paths.executable_count < PROBE_PATHS_MAX)
            executable[paths.executable_count++] = path;
        if (part.data[0] == 'r' && paths.readable_count < PROBE_PATHS_MAX) readable[paths.readable_count++] = path;
    }
    return sandbox_open(&found.box, found.executable, &paths, err);
}

static capi_status find(capi_err *err)
{
    const char *configured = getenv("CAPI_PYCALC_INTERPRETER_PATH");
    capi_buf answer = {0};
    capi_buf complaint = {0};
    capi_status st;

    param_count = 0;
    found = (interpreter){.box.ruleset_fd = -1};
    found.configured = capi_str_copy(&arena, capi_str_of(configured ? configured : "python3")).data;
    if (!found.configured[0]) return capi_err_set(err, CAPI_INVALID, "CAPI_PYCALC_INTERPRETER_PATH is empty");
    CAPI_TRY_OUT(split_params(err));
    CAPI_TRY_OUT(ask(make_argv(found.configured, "-S", probe_source), &answer, &complaint, err));
    CAPI_TRY_OUT(take_answer(capi_buf_str(&answer), capi_buf_str(&complaint), err));
    found.argv = make_argv(found.executable, NULL, capi_python_worker_source);
    found.envp = make_envp();
out:
    capi_buf_deinit(&answer);
    capi_buf_deinit(&complaint);
    return st;
}

capi_status interpreter_get(const interpreter **out, capi_err *err)
{
    capi_status st;

    pthread_mutex_lock(&mutex);
    if (!is_known) {
        capi_err_clear(&known_err);
        known_status = find(&known_err);
        is_known = known_status != CAPI_UNAVAILABLE; /* that may pass */
        if (!is_known) {
            sandbox_close(&found.box);
            capi_arena_deinit(&arena);
        }
    }
    st = known_status;
    if (st != CAPI_OK && err) capi_err_copy(err, &known_err);
    pthread_mutex_unlock(&mutex);
    *out = &found;
    return st;
}

static void *warm_up(void *context)
{
    const interpreter *it;

    (void)context;
    (void)!interpreter_get(&it, NULL);
    return NULL;
}

void interpreter_warm_up(void)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)pthread_create(&thread, &attributes, warm_up, NULL);
    pthread_attr_destroy(&attributes);
}

void interpreter_forget(void)
{
    pthread_mutex_lock(&mutex);
    if (is_known) {
        sandbox_close(&found.box);
        capi_arena_deinit(&arena);
        found = (interpreter){.box.ruleset_fd = -1};
        is_known = false;
    }
    pthread_mutex_unlock(&mutex);
}
