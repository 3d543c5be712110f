#pragma once

// Gives the loading thread its timer slack back, which the constructor in threads.c widened for Go's threads.
void threads_restore(void);
