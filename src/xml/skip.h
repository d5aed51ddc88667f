/*
 * Stepping over many bytes at once: sixteen are looked at together where the processor has SSE2,
 * which every x86-64 has. This is the only file that knows; the functions below say what a byte
 * is, the masks say the same of sixteen.
 */
#ifndef XML_SKIP_H
#define XML_SKIP_H

#include "xml/chars.h"

enum { SKIP_STEP = 16 };

/* Means itself wherever it stands in what is read; a bracket may begin "]]>". */
static inline bool
skip_is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '<' && c != '&' &&
	       c != ']' && c != '"' && c != '\'';
}

/* Means itself wherever we write it. */
static inline bool
skip_is_written(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '<' && c != '>' &&
	       c != '&' && c != '\'';
}

/* Belongs to a name; of ASCII. */
static inline bool
skip_is_name(char c)
{
	return (xml_byte_kinds[(unsigned char)c] & XML_BYTE_NAME) != 0;
}

#ifdef __SSE2__
#include <emmintrin.h>

static inline __m128i
skip_load(const char *at)
{
	return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline __m128i
skip_equal(__m128i v, char c)
{
	return _mm_cmpeq_epi8(v, _mm_set1_epi8(c));
}

/* Between two characters of ASCII, themselves included. */
static inline __m128i
skip_between(__m128i v, char first, char last)
{
	return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8((char)(first - 1))),
		_mm_cmplt_epi8(v, _mm_set1_epi8((char)(last + 1))));
}

/* As signed bytes, controls and everything beyond ASCII are below the space. */
static inline __m128i
skip_foreign(__m128i v)
{
	return _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
}

static inline unsigned
skip_mask_plain(const char *at)
{
	__m128i v = skip_load(at);
	__m128i tags = _mm_or_si128(skip_equal(v, '<'), skip_equal(v, '&'));
	__m128i quotes = _mm_or_si128(skip_equal(v, '"'), skip_equal(v, '\''));
	__m128i rest = _mm_or_si128(skip_equal(v, ']'), skip_foreign(v));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(tags, quotes), rest));
}

static inline unsigned
skip_mask_written(const char *at)
{
	__m128i v = skip_load(at);
	__m128i tags = _mm_or_si128(skip_equal(v, '<'), skip_equal(v, '>'));
	__m128i others = _mm_or_si128(skip_equal(v, '&'), skip_equal(v, '\''));

	return (unsigned)_mm_movemask_epi8(
		_mm_or_si128(_mm_or_si128(tags, others), skip_foreign(v)));
}

static inline unsigned
skip_mask_name(const char *at)
{
	__m128i v = skip_load(at);
	__m128i letter = skip_between(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 'z');
	__m128i digit = _mm_andnot_si128(skip_equal(v, '/'), skip_between(v, '-', '9'));
	__m128i name = _mm_or_si128(_mm_or_si128(letter, digit), skip_equal(v, '_'));

	return ~(unsigned)_mm_movemask_epi8(name) & 0xffff;
}
#else
#define SKIP_MASK(name, is_dull) \
	static inline unsigned name(const char *at) \
	{ \
		unsigned mask = 0; \
\
		for (unsigned i = 0; i < SKIP_STEP; i++) \
			mask |= is_dull(at[i]) ? 0 : 1u << i; \
		return mask; \
	}
SKIP_MASK(skip_mask_plain, skip_is_plain)
SKIP_MASK(skip_mask_written, skip_is_written)
SKIP_MASK(skip_mask_name, skip_is_name)
#endif

/* The first byte from `at` on that is not plain, or end. The others are alike. */
static inline const char *
skip_plain(const char *at, const char *end)
{
	for (; end - at >= SKIP_STEP; at += SKIP_STEP) {
		unsigned mask = skip_mask_plain(at);

		if (mask != 0)
			return at + __builtin_ctz(mask);
	}
	while (at < end && skip_is_plain(*at))
		at++;
	return at;
}

/* As a rule all of it means itself, so the last step is looked at whole, too: it overlaps. */
static inline const char *
skip_written(const char *at, const char *end)
{
	const char *last;
	unsigned mask;

	if (end - at < SKIP_STEP) {
		while (at < end && skip_is_written(*at))
			at++;
		return at;
	}
	last = end - SKIP_STEP;
	for (; at < last; at += SKIP_STEP) {
		mask = skip_mask_written(at);
		if (mask != 0)
			return at + __builtin_ctz(mask);
	}
	mask = skip_mask_written(last) & ~0u << (at - last);
	return mask != 0 ? last + __builtin_ctz(mask) : end;
}

static inline const char *
skip_name(const char *at, const char *end)
{
	for (; end - at >= SKIP_STEP; at += SKIP_STEP) {
		unsigned mask = skip_mask_name(at);

		if (mask != 0)
			return at + __builtin_ctz(mask);
	}
	while (at < end && skip_is_name(*at))
		at++;
	return at;
}

#endif
