/*
 * <server-data/> has hosts, a host has users, a user has what is his; each of these may stand in a
 * file of its own, which <xi:include/> names. Deeper ones are users' data and are not looked at.
 * What is included is named relatively, and lies in the folder of the including file or below.
 */
#include "tools/kithctl/pie.h"

#include "xml/writer.h"

#include <stdio.h>
#include <stdlib.h>

#define NS_XINCLUDE "http://www.w3.org/2001/XInclude"

enum { USER_MOST = 32 * 1024 * 1024, PATH_MOST = 4096 };

struct reading {
	bool (*take)(void *arg, const struct pie_user *user);
	void *arg;
	struct slice host;
	bool stops;
};

/* A file that another includes. */
struct included {
	char path[PATH_MOST];
	struct pie_file file;
};

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)((at - digits) % 16);
}

/* RFC 3986 2.1. */
static size_t
unescape(struct slice text, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		int high = i + 2 < text.len ? hex_digit(text.p[i + 1]) : -1;
		int low = i + 2 < text.len ? hex_digit(text.p[i + 2]) : -1;

		if (text.p[i] != '%' || high < 0 || low < 0) {
			out[n++] = text.p[i];
			continue;
		}
		out[n++] = (char)(high * 16 + low);
		i += 2;
	}
	out[n] = '\0';
	return n;
}

/* A relative path that leads nowhere up. */
static bool
stays_below(const char *path, size_t length)
{
	const char *at = path;

	if (length == 0 || strlen(path) != length || path[0] == '/')
		return false;
	while (at != NULL) {
		if (strncmp(at, "../", 3) == 0 || strcmp(at, "..") == 0)
			return false;
		at = strchr(at, '/');
		at = at == NULL ? NULL : at + 1;
	}
	return true;
}

static int
find_path(const struct pie_file *from, const struct xml_token *include, char *path_out)
{
	struct slice href = pie_attribute(include, "href");
	const char *slash = strrchr(from->path, '/');
	size_t folder = slash == NULL ? 0 : (size_t)(slash - from->path) + 1;
	char name[PATH_MOST];

	if (pie_attribute(include, "parse").p != NULL ||
		pie_attribute(include, "xpointer").p != NULL || href.len >= sizeof(name)) {
		pie_file_complain(from, include, "only a short href is supported here");
		return -1;
	}
	if (!stays_below(name, unescape(href, name)) ||
		snprintf(path_out, PATH_MOST, "%.*s%s", (int)folder, from->path, name) >=
			PATH_MOST) {
		pie_file_complain(from, include,
			"its href must name a file in the same folder or below; move the file "
			"there");
		return -1;
	}
	return 0;
}

/* The included file, or NULL after a message. */
static struct included *
include_open(const struct pie_file *from, const struct xml_token *include)
{
	struct included *included = xcalloc(1, sizeof(*included));

	if (find_path(from, include, included->path) < 0) {
		free(included);
		return NULL;
	}
	if (pie_file_open(&included->file, included->path) == 0)
		return included;
	pie_file_complain(from, include, "this names the file with the mistake");
	pie_file_finish(&included->file);
	free(included);
	return NULL;
}

static void
include_close(struct included *included)
{
	pie_file_finish(&included->file);
	free(included);
}

/* ---- A user ---- */

struct gathering {
	struct pie_user user;
	struct buffer xml;
	struct included **files;
	size_t file_count;
};

static void
add_part(struct gathering *g, const struct pie_file *file, const struct xml_token *element)
{
	g->user.parts = xrealloc(
		g->user.parts, size_mul(g->user.count + 1, sizeof(*g->user.parts)));
	g->user.parts[g->user.count++] = (struct pie_part){ file, element };
	xml_write_element(&g->xml, element, SLICE(NS_PIE));
}

static int
add_child(struct gathering *g, const struct xml_token *child)
{
	struct included *included;

	if (!pie_is(child, "include", NS_XINCLUDE)) {
		add_part(g, g->user.file, child);
		return 0;
	}
	included = include_open(g->user.file, child);
	if (included == NULL)
		return -1;
	g->files = xrealloc(g->files, size_mul(g->file_count + 1, sizeof(struct included *)));
	g->files[g->file_count++] = included;
	add_part(g, &included->file, included->file.tokens.v);
	return 0;
}

/* The start tag is written anew, without what it may have beyond the XEP. */
static int
gather(struct gathering *g)
{
	const struct xml_token *child = xml_first_child(g->user.element);
	struct slice name = pie_attribute(g->user.element, "name");
	struct slice password = pie_attribute(g->user.element, "password");
	int r = 0;

	(void)buffer_text(&g->xml, "<user xmlns='" NS_PIE "'");
	if (name.p != NULL)
		xml_write_attribute(&g->xml, "name", name);
	if (password.p != NULL)
		xml_write_attribute(&g->xml, "password", password);
	(void)buffer_text(&g->xml, ">");
	for (; r == 0 && child != NULL; child = xml_next_sibling(child))
		r = add_child(g, child);
	(void)buffer_text(&g->xml, "</user>");
	if (r == 0 && g->xml.overflowed) {
		pie_file_complain(
			g->user.file, g->user.element, "this account is larger than 32 MiB");
		r = -1;
	}
	g->user.xml = buffer_slice(&g->xml);
	return r;
}

static int
read_user(struct reading *reading, const struct pie_file *file, const struct xml_token *user)
{
	struct gathering g = { .user = { reading->host, file, user, NO_SLICE, NULL, 0 } };
	int r;

	buffer_init(&g.xml, USER_MOST);
	r = gather(&g);
	if (r == 0)
		reading->stops = !reading->take(reading->arg, &g.user);
	while (g.file_count > 0)
		include_close(g.files[--g.file_count]);
	free(g.files);
	free(g.user.parts);
	buffer_finish(&g.xml);
	return r;
}

/* ---- Hosts, and the file ---- */

typedef int reader(
	struct reading *reading, const struct pie_file *file, const struct xml_token *element);

/* The children of that name, or what is included in their place, one after the other. */
static int
read_each(struct reading *reading, const struct pie_file *file, const struct xml_token *parent,
	const char *name, reader *read)
{
	const struct xml_token *child = xml_first_child(parent);
	int r = 0;

	for (; r == 0 && !reading->stops && child != NULL; child = xml_next_sibling(child)) {
		struct included *included = NULL;
		const struct xml_token *element = child;
		const struct pie_file *in = file;

		if (pie_is(child, "include", NS_XINCLUDE)) {
			included = include_open(file, child);
			if (included == NULL)
				return -1;
			in = &included->file;
			element = included->file.tokens.v;
		}
		if (pie_is(element, name, NS_PIE))
			r = read(reading, in, element);
		else
			pie_file_complain(in, element, "this is not known and is left out");
		if (included != NULL)
			include_close(included);
	}
	return r;
}

static int
read_host(struct reading *reading, const struct pie_file *file, const struct xml_token *host)
{
	reading->host = pie_attribute(host, "jid");
	if (reading->host.len > 0)
		return read_each(reading, file, host, "user", read_user);
	pie_file_complain(file, host, "it has no jid, which is the domain of its users");
	return -1;
}

int
pie_read(const char *path, bool (*take)(void *arg, const struct pie_user *user), void *arg)
{
	struct reading reading = { .take = take, .arg = arg };
	struct pie_file file;
	int r = pie_file_open(&file, path);

	if (r == 0 && pie_is(file.tokens.v, "server-data", NS_PIE)) {
		r = read_each(&reading, &file, file.tokens.v, "host", read_host);
	} else if (r == 0) {
		pie_file_complain(&file, file.tokens.v,
			"this is no file of XEP-0227, which begins with <server-data xmlns='" NS_PIE
			"'>");
		r = -1;
	}
	pie_file_finish(&file);
	return r;
}
