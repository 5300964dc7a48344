int undefined_thing(void);

int calls_it(void) { return undefined_thing(); }
