/* Unguessable tokens. */
#include "base/random.h"

void
random_token(char out[TOKEN_CHARS + 1])
{
	static const char
		alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char bytes[TOKEN_CHARS];

	random_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < TOKEN_CHARS; i++)
		out[i] = alphabet[bytes[i] & 63];
	out[TOKEN_CHARS] = '\0';
}
