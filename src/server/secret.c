/* Written whole under another name and renamed, so a crash leaves no half of it. */
#include "server/secret.h"

#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

static int
fail(struct config_error *error, const char *path, int why)
{
	(void)snprintf(error->text, sizeof(error->text),
		"%.300s cannot be read or made (%s); let the server's user own its directory", path,
		strerror(why));
	return -why;
}

/* 0; -ENOENT: there is none; or another negative error. */
static int
read_secret(const char *path, void *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, out, size);
	(void)close(fd);
	return n == (ssize_t)size ? 0 : -EBADMSG;
}

static int
write_secret(const char *path, const void *bytes, size_t size)
{
	char new_path[PATH_MAX];
	int fd, r = 0;

	(void)snprintf(new_path, sizeof(new_path), "%.*s.new", PATH_MAX - 8, path);
	fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, bytes, size) != (ssize_t)size || fsync(fd) < 0)
		r = errno == 0 ? -EIO : -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(new_path, path) < 0)
		r = -errno;
	return r;
}

int
secret_load(const char *directory, void *out, size_t size, struct config_error *error)
{
	char path[PATH_MAX];
	int r = -ENOENT;

	if (directory != NULL) {
		(void)snprintf(path, sizeof(path), "%.*s/secret", PATH_MAX - 16, directory);
		r = read_secret(path, out, size);
	}
	if (r == -ENOENT) {
		random_bytes(out, size);
		r = directory == NULL ? 0 : write_secret(path, out, size);
	}
	return r < 0 ? fail(error, path, -r) : 0;
}
