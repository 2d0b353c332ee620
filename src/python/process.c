/* process.c - vfork, a few system calls, exec.
 *
 * The calling process has threads, so the child of a fork may do nothing but system calls before its exec. That is all the
 * sandbox needs: rules and filter are prepared before. With vfork no page tables are copied, however much memory the process
 * has, and the parent thread waits for the exec; what fails before it comes back through a pipe that exec closes. */
#include "python/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESS_STACK_BYTES = 8 << 20, PROCESS_HIGH_FD = 100 };

typedef struct process_failure {
    int step; /* which of the words below */
    int errno_value;
} process_failure;

enum { STEP_FDS, STEP_LIMITS, STEP_PRIVILEGES, STEP_LANDLOCK, STEP_SECCOMP, STEP_EXEC };

static const char *const step_words[] = {
    [STEP_FDS] = "could not give the Python worker its descriptors",
    [STEP_LIMITS] = "could not limit the resources of the Python worker",
    [STEP_PRIVILEGES] = "could not take privileges from the Python worker",
    [STEP_LANDLOCK] = "could not restrict the Python worker by Landlock",
    [STEP_SECCOMP] = "could not restrict the Python worker by seccomp",
    [STEP_EXEC] = "could not start the Python interpreter",
};

typedef struct process_plan {
    const process_options *options;
    const char *path;
    pid_t parent;
    int null_fd, channel_fd, memory_fd, stdout_fd, stderr_fd, error_fd; /* all high */
} process_plan;

/* ---- in the child: system calls only ---- */

static void default_signals(void)
{
    sigset_t none;

    /* What services and terminals send to all of their processes is for the engine: it ends its workers in order. */
    static const int for_the_engine[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    for (size_t i = 0; i < sizeof for_the_engine / sizeof *for_the_engine; i++)
        signal(for_the_engine[i], SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool place_fds(const process_plan *plan)
{
    bool is_well = dup2(plan->null_fd, 0) >= 0 && dup2(plan->stdout_fd, 1) >= 0 && dup2(plan->stderr_fd, 2) >= 0 &&
                   dup3(plan->error_fd, PROCESS_ERROR_FD, O_CLOEXEC) >= 0;

    if (plan->channel_fd >= 0)
        is_well = is_well && dup2(plan->channel_fd, PROCESS_REQUESTS_FD) >= 0 &&
                  dup2(plan->channel_fd, PROCESS_ANSWERS_FD) >= 0;
    if (plan->memory_fd >= 0) is_well = is_well && dup2(plan->memory_fd, PROCESS_MEMORY_FD) >= 0;
    return is_well;
}

/* Whatever else is open here is none of its business. */
static void close_others(void)
{
    if (syscall(SYS_close_range, 3u, PROCESS_REQUESTS_FD - 1u, 0) == 0) {
        (void)syscall(SYS_close_range, (unsigned)PROCESS_FD_MAX, ~0u, 0);
        return;
    }
    for (int fd = 3; fd < 65536; fd++)
        if (fd < PROCESS_REQUESTS_FD || fd >= PROCESS_FD_MAX) close(fd);
}

static bool limit(int resource, uint64_t value)
{
    struct rlimit both = {value, value};
    struct rlimit now;

    if (setrlimit(resource, &both) == 0) return true;
    /* A lower hard limit is there already. */
    return getrlimit(resource, &now) == 0 && now.rlim_max <= value;
}

static bool set_limits(const process_plan *plan)
{
    bool is_well = limit(RLIMIT_CORE, 0);

    if (!plan->options->box || !plan->options->box->is_on) return is_well;
    is_well = is_well && limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_NOFILE, PROCESS_FD_MAX) && limit(RLIMIT_MEMLOCK, 0) &&
              limit(RLIMIT_MSGQUEUE, 0) && limit(RLIMIT_STACK, PROCESS_STACK_BYTES);
    if (plan->options->memory_bytes) is_well = is_well && limit(RLIMIT_AS, plan->options->memory_bytes);
    return is_well;
}

static _Noreturn void child_fail(int fd, int step, int errno_value)
{
    process_failure failure = {step, errno_value};

    (void)!write(fd, &failure, sizeof failure);
    _exit(127);
}

/* Apart, and never inlined: it runs on the parent's stack. */
static __attribute__((noinline)) _Noreturn void child_run(const process_plan *plan)
{
    const sandbox *box = plan->options->box;
    int wrong;

    default_signals();
    setsid(); /* Ctrl-C is for the engine */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != plan->parent) _exit(127);
    if (!place_fds(plan)) child_fail(plan->error_fd, STEP_FDS, errno);
    if (!box || !box->is_on) {
        close_others();
        if (!set_limits(plan)) child_fail(PROCESS_ERROR_FD, STEP_LIMITS, errno);
        execve(plan->path, plan->options->argv, plan->options->envp);
        child_fail(PROCESS_ERROR_FD, STEP_EXEC, errno);
    }
    if ((wrong = sandbox_drop_privileges())) child_fail(PROCESS_ERROR_FD, STEP_PRIVILEGES, wrong);
    if ((wrong = sandbox_enter_landlock(box))) child_fail(PROCESS_ERROR_FD, STEP_LANDLOCK, wrong);
    close_others();
    if (!set_limits(plan)) child_fail(PROCESS_ERROR_FD, STEP_LIMITS, errno);
    if ((wrong = sandbox_enter_seccomp(box))) child_fail(PROCESS_ERROR_FD, STEP_SECCOMP, wrong);
    execve(plan->path, plan->options->argv, plan->options->envp);
    child_fail(PROCESS_ERROR_FD, STEP_EXEC, errno);
}

/* ---- in the parent ---- */

/* Above all numbers that the child places descriptors at. */
static int high_fd(int fd)
{
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, PROCESS_HIGH_FD);

    if (fd >= 0 && high < 0 && errno == EINVAL) errno = EMFILE; /* the limit is below that number */
    return high;
}

static void close_fd(int fd)
{
    if (fd >= 0) close(fd);
}

static pid_t start_child(const process_plan *plan)
{
    sigset_t all, before;
    pid_t pid;

    /* Until its exec the child shares our memory: no handler of ours may run in it. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = vfork();
    if (pid == 0) child_run(plan);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

static capi_status find_program(const char *name, char path[PATH_MAX], capi_err *err)
{
    const char *folders = getenv("PATH");

    if (strchr(name, '/')) {
        if (strlen(name) >= PATH_MAX)
            return capi_err_set(err, CAPI_INVALID, "the path of the Python interpreter is too long");
        strcpy(path, name);
        return CAPI_OK;
    }
    for (const char *at = folders ? folders : "/usr/local/bin:/usr/bin:/bin"; *at;) {
        size_t bytes = strcspn(at, ":");

        if (bytes > 0 && bytes + strlen(name) + 2 < PATH_MAX) {
            memcpy(path, at, bytes);
            path[bytes] = '/';
            strcpy(path + bytes + 1, name);
            if (access(path, X_OK) == 0) return CAPI_OK;
        }
        at += bytes + (at[bytes] == ':');
    }
    return capi_err_set(err, CAPI_INVALID, "the Python interpreter \"%s\" is in no folder of PATH", name);
}

static capi_status open_plan(process_plan *plan, int error_pipe[2], capi_err *err)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null_fd < 0 || pipe2(error_pipe, O_CLOEXEC) != 0) {
        int errno_value = errno;

        close_fd(null_fd);
        return capi_err_set_errno(err, errno_value, "could not start a Python worker");
    }
    plan->null_fd = high_fd(null_fd);
    close(null_fd);
    plan->channel_fd = high_fd(plan->options->channel_fd);
    plan->memory_fd = high_fd(plan->options->memory_fd);
    plan->stdout_fd = high_fd(plan->options->stdout_fd >= 0 ? plan->options->stdout_fd : plan->null_fd);
    plan->stderr_fd = high_fd(plan->options->stderr_fd >= 0 ? plan->options->stderr_fd : plan->null_fd);
    plan->error_fd = high_fd(error_pipe[1]);
    if (plan->null_fd < 0 || plan->stdout_fd < 0 || plan->stderr_fd < 0 || plan->error_fd < 0)
        return capi_err_set_errno(err, errno, "could not start a Python worker");
    return CAPI_OK;
}

static void close_plan(process_plan *plan)
{
    close_fd(plan->null_fd);
    close_fd(plan->channel_fd);
    close_fd(plan->memory_fd);
    close_fd(plan->stdout_fd);
    close_fd(plan->stderr_fd);
    close_fd(plan->error_fd);
    plan->null_fd = plan->channel_fd = plan->memory_fd = plan->stdout_fd = plan->stderr_fd = plan->error_fd = -1;
}

capi_status process_start(const process_options *options, pid_t *pid, capi_err *err)
{
    char path[PATH_MAX];
    process_failure failure;
    process_plan plan = {options, path, getpid(), -1, -1, -1, -1, -1, -1};
    int error_pipe[2] = {-1, -1};
    ssize_t got;
    capi_status st;

    *pid = -1;
    if (options->box)
        plan.path = options->box->exec_path;
    else
        CAPI_TRY(find_program(options->path, path, err));
    CAPI_TRY_OUT(open_plan(&plan, error_pipe, err));
    *pid = start_child(&plan);
    if (*pid < 0) {
        st = capi_err_set_errno(err, errno, "could not start a Python worker");
        goto out;
    }
    close_plan(&plan);
    close(error_pipe[1]);
    error_pipe[1] = -1;
    do
        got = read(error_pipe[0], &failure, sizeof failure);
    while (got < 0 && errno == EINTR);
    if (got == sizeof failure) {
        int wait_status;

        st = capi_err_set(err, CAPI_INVALID, "%s \"%s\": %s", step_words[failure.step], plan.path,
                          strerror(failure.errno_value));
        process_end(*pid, &wait_status);
        *pid = -1;
    }
out:
    close_plan(&plan);
    close_fd(error_pipe[0]);
    close_fd(error_pipe[1]);
    return st;
}

void process_end(pid_t pid, int *wait_status)
{
    *wait_status = 0;
    kill(pid, SIGKILL);
    while (waitpid(pid, wait_status, 0) < 0 && errno == EINTR)
        continue;
}

bool process_has_ended(pid_t pid, int *wait_status)
{
    pid_t got;

    do
        got = waitpid(pid, wait_status, WNOHANG);
    while (got < 0 && errno == EINTR);
    return got == pid;
}

void process_append_end(int wait_status, capi_buf *to)
{
    if (WIFSIGNALED(wait_status))
        capi_buf_printf(to, "was killed by signal %d (%s)", WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
    else
        capi_buf_printf(to, "ended with exit code %d", WEXITSTATUS(wait_status));
}
