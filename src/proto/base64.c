/* Base64: three bytes are four characters, and there is one way only to write them. */
#include "proto/base64.h"

#include <errno.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
encode(struct slice data, char *out)
{
	const unsigned char *in = (const unsigned char *)data.p;
	size_t left = data.len;

	for (; left >= 3; left -= 3, in += 3, out += 4) {
		out[0] = alphabet[in[0] >> 2];
		out[1] = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
		out[2] = alphabet[(in[1] & 15) << 2 | in[2] >> 6];
		out[3] = alphabet[in[2] & 63];
	}
	if (left == 0)
		return;
	out[0] = alphabet[in[0] >> 2];
	out[1] = alphabet[(in[0] & 3) << 4];
	out[2] = out[3] = '=';
	if (left == 2) {
		out[1] = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
		out[2] = alphabet[(in[1] & 15) << 2];
	}
}

struct slice
base64_encode(struct slice data, struct arena *arena)
{
	size_t len = base64_chars(data.len);
	char *out = arena_alloc(arena, size_add(len, 1));

	encode(data, out);
	return slice_make(out, len);
}

int
base64_append(struct slice data, struct buffer *out)
{
	size_t len = base64_chars(data.len);
	int r = buffer_reserve(out, len);

	if (r < 0)
		return r;
	if (len > 0)
		encode(data, out->data + out->len);
	out->len += len;
	return 0;
}

/* The six bits of a character, or -1. */
static int
bits_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters to `bytes` (1 to 3) bytes. */
static int
decode_group(const char *in, size_t bytes, unsigned char *out)
{
	unsigned group = 0;

	for (size_t i = 0; i <= bytes; i++) {
		int bits = bits_of(in[i]);

		if (bits < 0)
			return -EINVAL;
		group |= (unsigned)bits << (18 - 6 * i);
	}
	/* What the padding leaves over must be zero. */
	if (bytes < 3 && (group & (0xffffffu >> (8 * bytes))) != 0)
		return -EINVAL;
	for (size_t i = 0; i < bytes; i++)
		out[i] = (unsigned char)(group >> (16 - 8 * i));
	return 0;
}

static size_t
padding_of(struct slice text)
{
	if (text.len == 0 || text.p[text.len - 1] != '=')
		return 0;
	return text.p[text.len - 2] == '=' ? 2 : 1;
}

int
base64_decode_to(struct slice text, unsigned char *out, size_t size, size_t *len_out)
{
	size_t len;

	if (text.len % 4 != 0)
		return -EINVAL;
	len = text.len / 4 * 3 - padding_of(text);
	if (len > size)
		return -ENOBUFS;
	for (size_t done = 0, at = 0; done < len; done += 3, at += 4) {
		int r = decode_group(text.p + at, len - done < 3 ? len - done : 3, out + done);

		if (r < 0)
			return r;
	}
	*len_out = len;
	return 0;
}

int
base64_decode(struct slice text, struct arena *arena, struct slice *data_out)
{
	size_t size = text.len / 4 * 3;
	unsigned char *data = arena_alloc(arena, size_add(size, 1));
	size_t len;
	int r = base64_decode_to(text, data, size, &len);

	if (r < 0)
		return r;
	*data_out = slice_make((const char *)data, len);
	return 0;
}
