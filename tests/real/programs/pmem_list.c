/* libpmemobj: a list in a pool, changed by transactions of which every third is aborted; opened again, it is as the committed ones left
   it. Arguments: the pool, and its size (0: a device). */
#include <libpmemobj.h>
#include <stdio.h>
#include <stdlib.h>

POBJ_LAYOUT_BEGIN(list);
POBJ_LAYOUT_ROOT(list, struct root);
POBJ_LAYOUT_TOID(list, struct node);
POBJ_LAYOUT_END(list);

struct node {
	TOID(struct node) next;
	unsigned long value;
	char text[100];
};

struct root {
	TOID(struct node) head;
	unsigned long sum, count;
};

static unsigned long transact(PMEMobjpool *pool, TOID(struct root) root, int n)
{
	volatile unsigned long committed = 0;

	for (volatile int i = 0; i < n; i++) {
		unsigned long value = i * 2654435761ul % 1000003;
		TX_BEGIN(pool) {
			TX_ADD(root);
			TOID(struct node) node = TX_ZNEW(struct node);
			snprintf(D_RW(node)->text, sizeof D_RO(node)->text, "value %lu", value);
			D_RW(node)->value = value;
			D_RW(node)->next = D_RO(root)->head;
			D_RW(root)->head = node;
			D_RW(root)->sum += value;
			D_RW(root)->count++;
			if (i % 3 == 2)
				pmemobj_tx_abort(1);
			committed++;
		} TX_END
		if (i % 7 == 6) {
			TX_BEGIN(pool) {
				TOID(struct node) first = D_RO(root)->head;
				TX_ADD(root);
				D_RW(root)->head = D_RO(first)->next;
				D_RW(root)->sum -= D_RO(first)->value;
				D_RW(root)->count--;
				TX_FREE(first);
			} TX_ONCOMMIT {
				committed--;
			} TX_END
		}
	}
	return committed;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	PMEMobjpool *pool = pmemobj_create(argv[1], POBJ_LAYOUT_NAME(list), strtoul(argv[2], 0, 0), 0600);
	if (!pool) {
		fprintf(stderr, "%s: %s\n", argv[1], pmemobj_errormsg());
		return 1;
	}
	unsigned long expected = transact(pool, POBJ_ROOT(pool, struct root), 1500);
	pmemobj_close(pool);
	/* A device (of size 0) can't be checked: the check maps it privately, which device dax refuses. */
	if (strtoul(argv[2], 0, 0) && pmemobj_check(argv[1], POBJ_LAYOUT_NAME(list)) != 1) {
		fprintf(stderr, "check: %s\n", pmemobj_errormsg());
		return 3;
	}
	pool = pmemobj_open(argv[1], POBJ_LAYOUT_NAME(list));
	if (!pool) {
		fprintf(stderr, "open: %s\n", pmemobj_errormsg());
		return 4;
	}
	TOID(struct root) root = POBJ_ROOT(pool, struct root);
	unsigned long count = 0, sum = 0;
	TOID(struct node) node;
	for (node = D_RO(root)->head; !TOID_IS_NULL(node); node = D_RO(node)->next) {
		char text[100];
		snprintf(text, sizeof text, "value %lu", D_RO(node)->value);
		for (int i = 0; text[i] || D_RO(node)->text[i]; i++)
			if (text[i] != D_RO(node)->text[i])
				return 5;
		count++;
		sum += D_RO(node)->value;
	}
	int right = count == expected && count == D_RO(root)->count && sum == D_RO(root)->sum;
	printf("nodes %lu sum %lu %s\n", count, sum, right ? "right" : "wrong");
	pmemobj_close(pool);
	return right ? 0 : 6;
}
