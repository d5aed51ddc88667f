/*
 * The rounds for one width of vectors. Included by pbkdf2_lanes.c once for each width, with
 * VECTOR_BYTES, TARGET (the attribute that permits the instructions) and NAME(x) (x with the
 * width behind it) defined. So it has no guard, and no includes of its own.
 */
typedef uint32_t NAME(vec_32) __attribute__((vector_size(VECTOR_BYTES)));
typedef uint64_t NAME(vec_64) __attribute__((vector_size(VECTOR_BYTES)));

/* FIPS 180-4, 6.1.2. */
TARGET static inline void
NAME(compress_1)(NAME(vec_32) * state, const NAME(vec_32) * block)
{
	NAME(vec_32) w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

	memcpy(w, block, 16 * sizeof(w[0]));
	for (unsigned t = 16; t < 80; t++)
		w[t] = LEFT_32(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	for (unsigned t = 0; t < 20; t++)
		ROUND_1(CHOICE(b, c, d), 0x5a827999);
	for (unsigned t = 20; t < 40; t++)
		ROUND_1(b ^ c ^ d, 0x6ed9eba1);
	for (unsigned t = 40; t < 60; t++)
		ROUND_1(MAJORITY(b, c, d), 0x8f1bbcdc);
	for (unsigned t = 60; t < 80; t++)
		ROUND_1(b ^ c ^ d, 0xca62c1d6);
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

/* 6.2.2. */
TARGET static inline void
NAME(compress_256)(NAME(vec_32) * state, const NAME(vec_32) * block)
{
	NAME(vec_32) w[64], s[8];

	memcpy(s, state, sizeof(s));
	memcpy(w, block, 16 * sizeof(w[0]));
	for (unsigned t = 16; t < 64; t++)
		w[t] = w[t - 16] + w[t - 7] +
		       (RIGHT_32(w[t - 15], 7) ^ RIGHT_32(w[t - 15], 18) ^ w[t - 15] >> 3) +
		       (RIGHT_32(w[t - 2], 17) ^ RIGHT_32(w[t - 2], 19) ^ w[t - 2] >> 10);
	for (unsigned t = 0; t < 64; t += 8)
		EIGHT_ROUNDS_2(RIGHT_32, (uint32_t)(k[t + i] >> 32), 6, 11, 25, 2, 13, 22);
	for (unsigned i = 0; i < 8; i++)
		state[i] += s[i];
}

/* 6.4.2. */
TARGET static inline void
NAME(compress_512)(NAME(vec_64) * state, const NAME(vec_64) * block)
{
	NAME(vec_64) w[80], s[8];

	memcpy(s, state, sizeof(s));
	memcpy(w, block, 16 * sizeof(w[0]));
	for (unsigned t = 16; t < 80; t++)
		w[t] = w[t - 16] + w[t - 7] +
		       (RIGHT_64(w[t - 15], 1) ^ RIGHT_64(w[t - 15], 8) ^ w[t - 15] >> 7) +
		       (RIGHT_64(w[t - 2], 19) ^ RIGHT_64(w[t - 2], 61) ^ w[t - 2] >> 6);
	for (unsigned t = 0; t < 80; t += 8)
		EIGHT_ROUNDS_2(RIGHT_64, k[t + i], 14, 18, 41, 28, 34, 39);
	for (unsigned i = 0; i < 8; i++)
		state[i] += s[i];
}

/* Two compressions a round, as in pbkdf2.c; a digest never leaves its registers' form. */
ROUNDS(1, NAME(vec_32), 5)
ROUNDS(256, NAME(vec_32), 8)
ROUNDS(512, NAME(vec_64), 8)

#undef VECTOR_BYTES
#undef TARGET
#undef NAME
