#include <stddef.h>

enum { CUDRV_NO_LIBRARY = -1, CUDRV_OLD_LIBRARY = -2 };

/*
 * cudrv_load loads the driver and starts it. It returns 0, the driver's error, or
 * one of the above with what is missing in text. It is to be called once.
 */
int cudrv_load(char *text, size_t size);
