/*
 * landlock for files, and a list of forbidden calls for seccomp. The filter is short enough to be
 * written down: libseccomp would be one more library in memory for twenty lines.
 */
#include "io/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Files ---- */

/* Of later kernels than the headers that we build with. */
enum { ABI_REFER = 2, ABI_TRUNCATE = 3 };
static const uint64_t ACCESS_TRUNCATE = 1U << 14;

static const uint64_t READING = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t ALL = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

/* What libraries read as they go: names, certificates of the system, time zones, the cores. */
static const char *const system_paths[] = {
	"/etc",
	"/usr",
	"/lib",
	"/lib64",
	"/proc/self",
	"/proc/sys/vm",
	"/sys/devices/system/cpu",
	"/dev/urandom",
	NULL,
};

/* 0 when there is no such file; then nobody can use it either. */
static void
allow(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access };
	struct stat st;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE |
				       LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE;
	(void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	(void)close(rule.parent_fd);
}

static void
allow_directory_of(int ruleset, const char *path)
{
	char copy[PATH_MAX];
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return;
	(void)snprintf(copy, sizeof(copy), "%s", path);
	allow(ruleset, dirname(copy), READING);
}

static void
allow_reading(int ruleset, const char *path)
{
	char real[PATH_MAX];

	allow(ruleset, path, READING);
	allow_directory_of(ruleset, path);
	if (realpath(path, real) != NULL)
		allow_directory_of(ruleset, real);
}

/* What may be done is a right on the directory, not on one name in it. */
static void
allow_socket(int ruleset, const char *path)
{
	char copy[PATH_MAX];

	(void)snprintf(copy, sizeof(copy), "%s", path);
	allow(ruleset, dirname(copy),
		LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE);
}

static uint64_t
known_rights(long abi)
{
	uint64_t rights = ALL;

	if (abi >= ABI_REFER)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= ABI_TRUNCATE)
		rights |= ACCESS_TRUNCATE;
	return rights;
}

static bool
restrict_files(const struct sandbox *sandbox)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr handled = { .handled_access_fs = known_rights(abi) };
	int ruleset;
	bool held;

	if (abi < 1)
		return false;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	if (ruleset < 0)
		return false;
	for (size_t i = 0; system_paths[i] != NULL; i++)
		allow(ruleset, system_paths[i], READING);
	allow(ruleset, "/dev/null", READING | LANDLOCK_ACCESS_FS_WRITE_FILE);
	for (size_t i = 0; sandbox->readable[i] != NULL; i++)
		allow_reading(ruleset, sandbox->readable[i]);
	if (sandbox->socket != NULL)
		allow_socket(ruleset, sandbox->socket);
	/* Nothing there is a program. */
	allow(ruleset, sandbox->data,
		handled.handled_access_fs & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE);
	held = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	(void)close(ruleset);
	return held;
}

/* ---- System calls ---- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

static const int forbidden[] = {
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_pidfd_getfd,
	SYS_kcmp,
	SYS_perf_event_open,
	SYS_bpf,
	SYS_userfaultfd,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_mount,
	SYS_umount2,
	SYS_move_mount,
	SYS_open_tree,
	SYS_fsopen,
	SYS_fsmount,
	SYS_fspick,
	SYS_fsconfig,
	SYS_mount_setattr,
	SYS_pivot_root,
	SYS_chroot,
	SYS_unshare,
	SYS_setns,
	SYS_open_by_handle_at,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_clock_adjtime,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setgroups,
	SYS_mknodat,
	SYS_vhangup,
	SYS_syslog,
	SYS_personality,
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
	SYS_kexec_file_load,
	SYS_ioperm,
	SYS_iopl,
	SYS_modify_ldt,
#endif
};

static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

/* A filter that is being written. */
struct filter {
	struct sock_filter code[2 * COUNT_OF(forbidden) + 64];
	unsigned short count;
};

static void
add(struct filter *f, uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
	f->code[f->count++] = (struct sock_filter){ code, yes, no, k };
}

static void
load(struct filter *f, size_t offset)
{
	add(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void
answer(struct filter *f, uint32_t action)
{
	add(f, BPF_RET | BPF_K, 0, 0, action);
}

/* Answers with the action when what was loaded is the value. */
static void
when(struct filter *f, uint32_t value, uint32_t action)
{
	add(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value);
	answer(f, action);
}

/* Of socket(2): only what a server of XMPP speaks. The number of the call is loaded. */
static void
check_family(struct filter *f)
{
	/* Over the load, a test and an answer for each family, and the last answer. */
	add(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 2 + 2 * COUNT_OF(families), SYS_socket);
	load(f, offsetof(struct seccomp_data, args[0]));
	for (size_t i = 0; i < COUNT_OF(families); i++)
		when(f, (uint32_t)families[i], SECCOMP_RET_ALLOW);
	answer(f, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
}

/* Threads may be made, processes not. clone3 hides which it is; glibc then takes clone. */
static void
check_clone(struct filter *f, uint32_t refused)
{
	when(f, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
	add(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, SYS_clone);
	load(f, offsetof(struct seccomp_data, args[0]));
	add(f, BPF_JMP | BPF_JSET | BPF_K, 0, 1, CLONE_THREAD);
	answer(f, SECCOMP_RET_ALLOW);
	answer(f, refused);
}

static bool
restrict_calls(bool kills)
{
#ifdef ARCHITECTURE
	uint32_t refused = kills ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM;
	struct filter f = { .count = 0 };
	struct sock_fprog program = { .filter = f.code };

	load(&f, offsetof(struct seccomp_data, arch));
	add(&f, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCHITECTURE);
	answer(&f, SECCOMP_RET_KILL_PROCESS);
	load(&f, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	/* The x32 calls are the same ones under other numbers. */
	add(&f, BPF_JMP | BPF_JGE | BPF_K, 0, 1, 0x40000000);
	answer(&f, SECCOMP_RET_KILL_PROCESS);
#endif
	for (size_t i = 0; i < COUNT_OF(forbidden); i++)
		when(&f, (uint32_t)forbidden[i], refused);
	check_clone(&f, refused);
	load(&f, offsetof(struct seccomp_data, nr));
	check_family(&f);
	answer(&f, SECCOMP_RET_ALLOW);
	program.len = f.count;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
#else
	(void)kills;
	return false;
#endif
}

unsigned
sandbox_enter(const struct sandbox *sandbox)
{
	unsigned held = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 0;
	if (restrict_files(sandbox))
		held |= SANDBOX_FILES;
	if (restrict_calls(sandbox->kills))
		held |= SANDBOX_CALLS;
	return held;
}
