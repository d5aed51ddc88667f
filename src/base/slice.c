/* The parts of slices that are too long to be inline. */
#include "base/slice.h"

#include <errno.h>

int
slice_compare(struct slice a, struct slice b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter == 0 ? 0 : memcmp(a.p, b.p, shorter);

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

int
slice_to_uint(struct slice a, uint64_t max, uint64_t *value_out)
{
	uint64_t value = 0;

	if (a.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < a.len; i++) {
		if (a.p[i] < '0' || a.p[i] > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, 10u, &value) ||
			__builtin_add_overflow(value, (uint64_t)(a.p[i] - '0'), &value))
			return -EINVAL;
	}
	if (value > max)
		return -EINVAL;
	*value_out = value;
	return 0;
}

bool
slice_is_secret(struct slice a, struct slice b)
{
	unsigned char differ = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		differ |= (unsigned char)((unsigned char)a.p[i] ^ (unsigned char)b.p[i]);
	/* The compiler must not see that one difference settles it. */
	__asm__ volatile("" : "+r"(differ));
	return differ == 0;
}
