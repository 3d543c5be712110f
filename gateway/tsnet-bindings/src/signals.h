#pragma once

// Gives the loading thread its signal mask back, which the constructor in signals.c blocked for Go's threads.
void signals_restore(void);

// Sets SA_ONSTACK on every handler that lacks it; returns how many it changed.
int signals_on_alternate_stack(void);
