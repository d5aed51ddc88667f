/*
 * An intrusive doubly linked list: the link is a member of the element, so linking allocates
 * nothing and unlinking needs no search. A list head carries its element in a comment:
 *	struct list sessions; // session.link
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/base.h"

struct list {
	struct list *next, *prev;
};

static inline void
list_init(struct list *head)
{
	head->next = head->prev = head;
}

static inline bool
list_is_empty(const struct list *head)
{
	return head->next == head;
}

/* Whether a link that was initialised (or removed) is in no list. */
static inline bool
list_is_linked(const struct list *link)
{
	return link->next != NULL && link->next != link;
}

static inline void
list_insert_between(struct list *link, struct list *prev, struct list *next)
{
	link->prev = prev;
	link->next = next;
	prev->next = link;
	next->prev = link;
}

static inline void
list_append(struct list *head, struct list *link)
{
	list_insert_between(link, head->prev, head);
}

static inline void
list_prepend(struct list *head, struct list *link)
{
	list_insert_between(link, head, head->next);
}

/* Harmless on a link that is in no list (zeroed or removed). */
static inline void
list_remove(struct list *link)
{
	if (link->next == NULL)
		return;
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->next = link->prev = link;
}

/* Unlinks and returns the first link, or NULL. */
static inline struct list *
list_pop(struct list *head)
{
	struct list *first = head->next;

	if (first == head)
		return NULL;
	list_remove(first);
	return first;
}

/* Moves all of from to the end of to. */
static inline void
list_move_all(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

/*
 * for each element e (a T *) of the list; e may be removed in the body:
 *	for (e = first; e is not the head; e = the next one, taken before the body ran)
 */
#define LIST_EACH(e, head, T, member) \
	for (struct list *link_ = (head)->next, *next_ = link_->next; \
		link_ != (head) && ((e) = container_of(link_, T, member), true); \
		link_ = next_, next_ = link_->next)

#endif
