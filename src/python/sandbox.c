/* sandbox.c - prepares Landlock rules and the seccomp filter, and enters them. */
#include "python/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Landlock ---- */

/* The headers of older systems lack the call or its newer parts: declared here, from the kernel's documentation. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum {
    LANDLOCK_VERSION_FLAG = 1,
    LANDLOCK_PATH_RULE = 1,
    LANDLOCK_EXECUTE = 1 << 0,
    LANDLOCK_READ_FILE = 1 << 2,
    LANDLOCK_READ_DIR = 1 << 3,
    LANDLOCK_FS_ABI1 = (1 << 13) - 1,
    LANDLOCK_FS_REFER = 1 << 13,     /* ABI 2 */
    LANDLOCK_FS_TRUNCATE = 1 << 14,  /* ABI 3 */
    LANDLOCK_FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
    LANDLOCK_NET_TCP = 3,            /* ABI 4: bind, connect */
    LANDLOCK_SCOPES = 3,             /* ABI 6: abstract sockets, signals */
};

struct landlock_ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

struct landlock_path {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

static int landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);

    return abi > 0 ? (int)abi : 0;
}

static int landlock_create(int abi)
{
    struct landlock_ruleset ruleset = {.handled_access_fs = LANDLOCK_FS_ABI1};
    size_t bytes = abi >= 6 ? sizeof ruleset : abi >= 4 ? 16 : 8;

    if (abi >= 2) ruleset.handled_access_fs |= LANDLOCK_FS_REFER;
    if (abi >= 3) ruleset.handled_access_fs |= LANDLOCK_FS_TRUNCATE;
    if (abi >= 4) ruleset.handled_access_net = LANDLOCK_NET_TCP;
    if (abi >= 5) ruleset.handled_access_fs |= LANDLOCK_FS_IOCTL_DEV;
    if (abi >= 6) ruleset.scoped = LANDLOCK_SCOPES;
    return (int)syscall(SYS_landlock_create_ruleset, &ruleset, bytes, 0);
}

/* A path that is not there needs no rule. */
static void landlock_allow(int ruleset_fd, capi_str path, uint64_t access)
{
    char text[PATH_MAX];
    struct landlock_path rule = {.allowed_access = access};
    struct stat info;

    if (path.bytes == 0 || path.bytes >= sizeof text || path.data[0] != '/') return;
    memcpy(text, path.data, path.bytes);
    text[path.bytes] = 0;
    rule.parent_fd = open(text, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0) return;
    if (fstat(rule.parent_fd, &info) == 0 && !S_ISDIR(info.st_mode))
        rule.allowed_access &= ~(uint64_t)LANDLOCK_READ_DIR;
    (void)syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_PATH_RULE, &rule, 0);
    close(rule.parent_fd);
}

static void landlock_prepare(sandbox *box, const sandbox_paths *paths)
{
    box->landlock_abi = landlock_abi();
    if (box->landlock_abi == 0) return;
    box->ruleset_fd = landlock_create(box->landlock_abi);
    if (box->ruleset_fd < 0) {
        box->landlock_abi = 0;
        return;
    }
    for (uint32_t i = 0; i < paths->readable_count; i++)
        landlock_allow(box->ruleset_fd, paths->readable[i], LANDLOCK_READ_FILE | LANDLOCK_READ_DIR);
    for (uint32_t i = 0; i < paths->executable_count; i++)
        landlock_allow(box->ruleset_fd, paths->executable[i], LANDLOCK_READ_FILE | LANDLOCK_EXECUTE);
}

int sandbox_enter_landlock(const sandbox *box)
{
    if (box->ruleset_fd < 0) return 0;
    return syscall(SYS_landlock_restrict_self, box->ruleset_fd, 0) == 0 ? 0 : errno;
}

/* ---- seccomp ---- */

/* What an interpreter needs to start, load modules, compute and wait. */
static const int allowed_calls[] = {
    /* descriptors that are open, and files to read; paths are Landlock's business */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(fstat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(fadvise64),
    /* memory; mapping is below */
    SCMP_SYS(munmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(mincore),
    SCMP_SYS(membarrier),
    /* threads and signals of its own */
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(rseq),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(sched_get_priority_min),
    SCMP_SYS(getcpu),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    /* time and facts */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(times),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrandom),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(gettid),
    SCMP_SYS(getpgrp),
    SCMP_SYS(getpgid),
    SCMP_SYS(getsid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getresuid),
    SCMP_SYS(getresgid),
    SCMP_SYS(getgroups),
    SCMP_SYS(umask),
};

/* Below this address nothing may be mapped, and the interpreter's path is the only thing that ever lay there. Programs that
 * are not position-independent begin at 4 MiB. */
#define SANDBOX_LOW_END 0x200000u

static bool allow_ioctl(scmp_filter_ctx filter)
{
    static const unsigned long requests[] = {TCGETS, FIOCLEX, FIONCLEX, FIONREAD, TIOCGWINSZ};
    int wrong = 0;

    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        wrong |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, requests[i]));
    return wrong == 0;
}

static bool allow_fcntl(scmp_filter_ctx filter)
{
    static const int commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL};
    int wrong = 0;

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        wrong |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                                  SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i]));
    return wrong == 0;
}

/* Only for reading, nothing made or cut. */
static bool allow_open(scmp_filter_ctx filter)
{
    const scmp_datum_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
    int wrong = 0;

    wrong |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, writing, 0));
    wrong |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, writing, 0));
    return wrong == 0;
}

/* Nothing at the low addresses, nothing that grows down to them. */
static bool allow_mapping(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp steady = SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_GROWSDOWN, 0);
    int wrong = 0;

    wrong |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, SCMP_A0(SCMP_CMP_EQ, 0),
                              SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_FIXED | MAP_GROWSDOWN, 0));
    wrong |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, SCMP_A0(SCMP_CMP_GE, SANDBOX_LOW_END), steady);
    wrong |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mremap), 1,
                              SCMP_A3(SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)MREMAP_MAYMOVE, 0));
    return wrong == 0;
}

/* Threads, but no processes. clone3 keeps its arguments in memory, where a filter cannot look: "unknown" makes the C library
 * fall back to clone. */
static bool allow_threads(scmp_filter_ctx filter)
{
    const scmp_datum_t process = CLONE_VFORK | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_PTRACE;
    int wrong = 0;

    wrong |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, process | CLONE_THREAD, CLONE_THREAD));
    wrong |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return wrong == 0;
}

static bool allow_others(scmp_filter_ctx filter, const char *exec_path)
{
    int wrong = 0;

    /* Limits may be looked at. */
    wrong |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0),
                              SCMP_A2(SCMP_CMP_EQ, 0));
    wrong |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
    wrong |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME));
    wrong |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(execve), 1,
                              SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)(uintptr_t)exec_path));
    return wrong == 0;
}

static scmp_filter_ctx make_filter(const char *exec_path)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    bool is_well = filter != NULL;

    for (size_t i = 0; is_well && i < sizeof allowed_calls / sizeof *allowed_calls; i++) {
        int wrong = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed_calls[i], 0);

        is_well = wrong == 0 || allowed_calls[i] < 0; /* a call that this architecture does not have */
    }
    is_well = is_well && seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0; /* a tree instead of a list */
    is_well = is_well && allow_ioctl(filter) && allow_fcntl(filter) && allow_open(filter) && allow_mapping(filter) &&
              allow_threads(filter) && allow_others(filter, exec_path);
    if (is_well) return filter;
    if (filter) seccomp_release(filter);
    return NULL;
}

/* The library writes programs to files only. */
static bool export_filter(scmp_filter_ctx filter, struct sock_fprog *out)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    off_t bytes;
    bool is_well = false;

    if (fd < 0) return false;
    if (seccomp_export_bpf(filter, fd) == 0 && (bytes = lseek(fd, 0, SEEK_END)) > 0) {
        out->filter = capi_malloc((size_t)bytes);
        out->len = (unsigned short)((size_t)bytes / sizeof *out->filter);
        is_well = pread(fd, out->filter, (size_t)bytes, 0) == bytes;
    }
    close(fd);
    return is_well;
}

/* A page of its own below SANDBOX_LOW_END that holds the path, or NULL. */
static char *place_path(const char *path)
{
    for (uintptr_t at = 0x100000; at < SANDBOX_LOW_END; at += 0x10000) {
        char *page = mmap((void *)at, PATH_MAX, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

        if (page == MAP_FAILED) continue;
        if (page != (char *)at) {
            munmap(page, PATH_MAX);
            continue;
        }
        memcpy(page, path, strlen(path) + 1);
        mprotect(page, PATH_MAX, PROT_READ);
        return page;
    }
    return NULL;
}

/* A kernel without seccomp is no error, but a filter that cannot be made is: nobody would notice that it is missing. */
static capi_status seccomp_prepare(sandbox *box, const char *path, capi_err *err)
{
    uint32_t action = SECCOMP_RET_ERRNO;
    scmp_filter_ctx filter;
    char *placed;

    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) return CAPI_OK;
    placed = place_path(path);
    if (!placed)
        return capi_err_set(err, CAPI_INTERNAL, "no address below 2 MiB is free for the sandbox of Python workers");
    filter = make_filter(placed);
    if (filter && export_filter(filter, &box->filter)) {
        free(box->exec_path);
        box->exec_path = placed;
        box->has_seccomp = true;
    } else {
        munmap(placed, PATH_MAX);
    }
    if (filter) seccomp_release(filter);
    if (box->has_seccomp) return CAPI_OK;
    return capi_err_set(err, CAPI_INTERNAL, "could not make the seccomp filter of Python workers");
}

int sandbox_enter_seccomp(const sandbox *box)
{
    if (!box->has_seccomp) return 0;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &box->filter) == 0 ? 0 : errno;
}

/* ---- privileges ---- */

int sandbox_drop_privileges(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    return syscall(SYS_capset, &header, none) == 0 ? 0 : errno;
}

/* ---- all together ---- */

capi_status sandbox_open(sandbox *box, const char *exec_path, const sandbox_paths *paths, capi_err *err)
{
    const char *setting = getenv("CAPI_PYTHON_SANDBOX");
    capi_status st;

    *box = (sandbox){.ruleset_fd = -1, .is_on = true};
    if (strlen(exec_path) >= PATH_MAX)
        return capi_err_set(err, CAPI_INVALID, "the path of the Python interpreter is longer than %d bytes", PATH_MAX);
    if (setting && setting[0] && strcmp(setting, "on") != 0 && strcmp(setting, "off") != 0)
        return capi_err_set(err, CAPI_INVALID, "CAPI_PYTHON_SANDBOX is \"%s\", expected \"on\" or \"off\"", setting);
    if (setting && strcmp(setting, "off") == 0) box->is_on = false;
    box->exec_path = strdup(exec_path);
    if (!box->is_on) return CAPI_OK;
    landlock_prepare(box, paths);
    st = seccomp_prepare(box, exec_path, err);
    if (st == CAPI_OK && (box->landlock_abi || box->has_seccomp)) return CAPI_OK;
    sandbox_close(box);
    if (st != CAPI_OK) return st;
    return capi_err_set(
        err, CAPI_INVALID,
        "this kernel offers neither Landlock nor seccomp, so Python formulas cannot be kept in a sandbox; if "
        "you trust their code, set CAPI_PYTHON_SANDBOX=off");
}

void sandbox_close(sandbox *box)
{
    if (box->ruleset_fd >= 0) close(box->ruleset_fd);
    if (box->has_seccomp)
        munmap(box->exec_path, PATH_MAX);
    else
        free(box->exec_path);
    free(box->filter.filter);
    *box = (sandbox){.ruleset_fd = -1};
}

void sandbox_append_words(const sandbox *box, capi_buf *to)
{
    if (!box->is_on) {
        capi_buf_append_text(to, "off (CAPI_PYTHON_SANDBOX=off)");
        return;
    }
    capi_buf_append_text(to, "no_new_privs");
    if (box->landlock_abi) capi_buf_printf(to, ", Landlock (ABI %d)", box->landlock_abi);
    if (box->has_seccomp) capi_buf_append_text(to, ", seccomp");
    capi_buf_append_text(to, ", resource limits");
}
