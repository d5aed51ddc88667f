/* The limits of the server that are not options: one table. XML's own are in xml/limits.h. */
#ifndef SERVER_LIMITS_H
#define SERVER_LIMITS_H

enum {
	SLOTS = 4096, /* of the slot table: homes are spread over shards by them */
	SHARDS_MOST = 64,
	HOSTS_MOST = 1024,

	LIMIT_STORED_STANZA = 512 * 1024,  /* bytes of anything kept as XML */
	LIMIT_FROZEN_STANZA = 768 * 1024,  /* bytes of a stanza on its way between shards */
	LIMIT_ROSTER = 1024 * 1024,        /* bytes of a roster as it is told to a client */
	LIMIT_ANSWER = 1280 * 1024,        /* bytes of a result: a roster, and what is around it */
	LIMIT_REQUEST = 16 * 1024,         /* bytes of a waiting subscription request as it came */
	LIMIT_REQUESTS = 1024 * 1024,      /* and of all of an account */
	LIMIT_TRANSFER = 32 * 1024 * 1024, /* bytes of an account's export or import */
	LIMIT_ACCOUNT_QUEUE = 8 * 1024 * 1024, /* bytes that wait for one account; half: hold */
	LIMIT_MAIL = 1024 * 1024, /* bytes in a shard's mailbox before its senders pause */
	LIMIT_ON_ITS_WAY = 4 * 1024 * 1024, /* bytes to a session whose writers are being paused */
	LIMIT_USERNAME = 1023,              /* bytes, RFC 7622 3.3 */
};

#endif
