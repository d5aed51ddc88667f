/* One datagram for each state, by sendto(), so that a restarted systemd is found again. */
#include "kithd/notify.h"

#include "base/clock.h"
#include "base/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STORED_NAME "listening"

/* "@name" is a name without a file; anything but that and a path is not for us. */
static bool
set_address(struct notify *notify, const char *name)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len >= sizeof(notify->to.sun_path))
		return false;
	notify->to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(notify->to.sun_path, name, len);
	if (name[0] == '@')
		notify->to.sun_path[0] = '\0';
	notify->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
				     (name[0] == '/' ? 1 : 0));
	return true;
}

/* Half of the time after which systemd takes us for dead; 0: it does not watch this process. */
static uint64_t
watchdog_ms(void)
{
	const char *time = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t us, watched;

	if (time == NULL || slice_to_uint(slice_of(time), UINT64_MAX, &us) < 0)
		return 0;
	if (pid != NULL && (slice_to_uint(slice_of(pid), INT32_MAX, &watched) < 0 ||
				   (pid_t)watched != getpid()))
		return 0;
	return us < 2000 ? 1 : us / 2000;
}

void
notify_init(struct notify *notify)
{
	const char *name = getenv("NOTIFY_SOCKET");

	*notify = (struct notify){ .fd = -1 };
	if (name != NULL && set_address(notify, name)) {
		notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		notify->watchdog_ms = watchdog_ms();
	}
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}

void
notify_finish(struct notify *notify)
{
	if (notify->fd >= 0)
		(void)close(notify->fd);
	notify->fd = -1;
}

static void
tell(const struct notify *notify, const char *state)
{
	if (notify->fd >= 0)
		(void)sendto(notify->fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
			(const struct sockaddr *)&notify->to, notify->to_len);
}

void
notify_ready(const struct notify *notify)
{
	tell(notify, "READY=1");
}

void
notify_reloading(const struct notify *notify)
{
	char state[64];

	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu",
		(unsigned long long)clock_monotonic_us());
	tell(notify, state);
}

void
notify_stopping(const struct notify *notify)
{
	tell(notify, "STOPPING=1");
}

void
notify_alive(const struct notify *notify)
{
	tell(notify, "WATCHDOG=1");
}

void
notify_store(const struct notify *notify, const int *fds, size_t count)
{
	static const char state[] = "FDSTORE=1\nFDNAME=" STORED_NAME;
	struct iovec text = { (void *)(uintptr_t)state, sizeof(state) - 1 };
	struct sockaddr_un to = notify->to;
	struct msghdr message = {
		.msg_name = &to,
		.msg_namelen = notify->to_len,
		.msg_iov = &text,
		.msg_iovlen = 1,
	};
	size_t size = count * sizeof(*fds);
	struct cmsghdr *control;

	if (notify->fd < 0 || count == 0)
		return;
	message.msg_controllen = CMSG_SPACE(size);
	message.msg_control = xcalloc(1, message.msg_controllen);
	control = CMSG_FIRSTHDR(&message);
	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(control), fds, size);
	(void)sendmsg(notify->fd, &message, MSG_NOSIGNAL);
	free(message.msg_control);
}

void
notify_forget_stored(const struct notify *notify)
{
	tell(notify, "FDSTOREREMOVE=1\nFDNAME=" STORED_NAME);
}
