/*
 * SHA in every lane of a vector, for the compiler to make instructions of: the same source for
 * each width that the processor may have. There is no narrower one: below AVX2, and for single
 * passwords, OpenSSL's own code is the quickest.
 */
#include "proto/pbkdf2_lanes.h"

#include "base/base.h"

/* FIPS 180-4, 4.2.3; their upper halves are SHA-256's (4.2.2). */
static const uint64_t k[80] = {
	0x428a2f98d728ae22,
	0x7137449123ef65cd,
	0xb5c0fbcfec4d3b2f,
	0xe9b5dba58189dbbc,
	0x3956c25bf348b538,
	0x59f111f1b605d019,
	0x923f82a4af194f9b,
	0xab1c5ed5da6d8118,
	0xd807aa98a3030242,
	0x12835b0145706fbe,
	0x243185be4ee4b28c,
	0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f,
	0x80deb1fe3b1696b1,
	0x9bdc06a725c71235,
	0xc19bf174cf692694,
	0xe49b69c19ef14ad2,
	0xefbe4786384f25e3,
	0x0fc19dc68b8cd5b5,
	0x240ca1cc77ac9c65,
	0x2de92c6f592b0275,
	0x4a7484aa6ea6e483,
	0x5cb0a9dcbd41fbd4,
	0x76f988da831153b5,
	0x983e5152ee66dfab,
	0xa831c66d2db43210,
	0xb00327c898fb213f,
	0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2,
	0xd5a79147930aa725,
	0x06ca6351e003826f,
	0x142929670a0e6e70,
	0x27b70a8546d22ffc,
	0x2e1b21385c26c926,
	0x4d2c6dfc5ac42aed,
	0x53380d139d95b3df,
	0x650a73548baf63de,
	0x766a0abb3c77b2a8,
	0x81c2c92e47edaee6,
	0x92722c851482353b,
	0xa2bfe8a14cf10364,
	0xa81a664bbc423001,
	0xc24b8b70d0f89791,
	0xc76c51a30654be30,
	0xd192e819d6ef5218,
	0xd69906245565a910,
	0xf40e35855771202a,
	0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8,
	0x1e376c085141ab53,
	0x2748774cdf8eeb99,
	0x34b0bcb5e19b48a8,
	0x391c0cb3c5c95a63,
	0x4ed8aa4ae3418acb,
	0x5b9cca4f7763e373,
	0x682e6ff3d6b2b8a3,
	0x748f82ee5defb2fc,
	0x78a5636f43172f60,
	0x84c87814a1f0ab72,
	0x8cc702081a6439ec,
	0x90befffa23631e28,
	0xa4506cebde82bde9,
	0xbef9a3f7b2c67915,
	0xc67178f2e372532b,
	0xca273eceea26619c,
	0xd186b8c721c0c207,
	0xeada7dd6cde0eb1e,
	0xf57d4f7fee6ed178,
	0x06f067aa72176fba,
	0x0a637dc5a2c898a6,
	0x113f9804bef90dae,
	0x1b710b35131c471b,
	0x28db77f523047d84,
	0x32caab7b40c72493,
	0x3c9ebe0a15c9bebc,
	0x431d67c49c100d4c,
	0x4cc5d4becb3e42b6,
	0x597f299cfc657e2a,
	0x5fcb6fab3ad6faec,
	0x6c44198c4a475817,
};

#define LEFT_32(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define RIGHT_32(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define RIGHT_64(x, n) ((x) >> (n) | (x) << (64 - (n)))
#define CHOICE(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define MAJORITY(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))

/* One round of SHA-1 on a to e, with w and t. */
#define ROUND_1(mixed, constant) \
	do { \
		__typeof__(a) sum = LEFT_32(a, 5) + (mixed) + e + (constant) + w[t]; \
\
		e = d; \
		d = c; \
		c = LEFT_32(b, 30); \
		b = a; \
		a = sum; \
	} while (0)

/*
 * Eight rounds of SHA-2 on s, with w and t: after eight every word is at its old place, so that
 * unrolled they move nothing. e1 to e3 and a1 to a3 are how far the large sigmas turn.
 */
#define EIGHT_ROUNDS_2(RIGHT, constant, e1, e2, e3, a1, a2, a3) \
	_Pragma("GCC unroll 8") for (unsigned i = 0; i < 8; i++) \
	{ \
		__typeof__(s[0]) a = s[-i & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7], \
				 e = s[(4 - i) & 7], f = s[(5 - i) & 7], g = s[(6 - i) & 7]; \
		__typeof__(s[0]) first = s[(7 - i) & 7] + \
					 (RIGHT(e, e1) ^ RIGHT(e, e2) ^ RIGHT(e, e3)) + \
					 CHOICE(e, f, g) + (constant) + w[t + i]; \
\
		s[(3 - i) & 7] += first; \
		s[(7 - i) & 7] = first + (RIGHT(a, a1) ^ RIGHT(a, a2) ^ RIGHT(a, a3)) + \
				 MAJORITY(a, b, c); \
	}

/* The function of PBKDF2's rounds for one hash and width. */
#define ROUNDS(bits, vec, words) \
	TARGET static void NAME(rounds_##bits)(struct pbkdf2_lanes * lanes, uint32_t rounds) \
	{ \
		vec inner[8], outer[8], block[16], out[8]; \
\
		memcpy(inner, lanes->inner, sizeof(inner)); \
		memcpy(outer, lanes->outer, sizeof(outer)); \
		memcpy(block, lanes->block, sizeof(block)); \
		memcpy(out, block, sizeof(out)); \
		while (rounds-- > 0) { \
			vec state[8]; \
\
			memcpy(state, inner, sizeof(state)); \
			NAME(compress_##bits)(state, block); \
			memcpy(block, state, (words) * sizeof(vec)); \
			memcpy(state, outer, sizeof(state)); \
			NAME(compress_##bits)(state, block); \
			memcpy(block, state, (words) * sizeof(vec)); \
			for (unsigned i = 0; i < (words); i++) \
				out[i] ^= block[i]; \
		} \
		memcpy(lanes->block, out, sizeof(out)); \
	}

#define VECTOR_BYTES 32
#define TARGET __attribute__((target("avx2")))
#define NAME(x) x##_avx2
#include "proto/pbkdf2_lanes.def"

#define VECTOR_BYTES 64
#define TARGET __attribute__((target("avx512f")))
#define NAME(x) x##_avx512
#include "proto/pbkdf2_lanes.def"

size_t
pbkdf2_lanes_width(void)
{
	if (__builtin_cpu_supports("avx512f"))
		return 64;
	return __builtin_cpu_supports("avx2") ? 32 : 0;
}

void
pbkdf2_lanes_run(struct pbkdf2_lanes *lanes, size_t width, enum scram_hash hash, uint32_t rounds)
{
	static void (*const run[2][SCRAM_HASHES])(struct pbkdf2_lanes * lanes, uint32_t rounds) = {
		{ rounds_1_avx2, rounds_256_avx2, rounds_512_avx2 },
		{ rounds_1_avx512, rounds_256_avx512, rounds_512_avx512 },
	};

	run[width == 64][hash](lanes, rounds);
}
