/** The canvas keeps a byte for who is seen; this one is for what is of no class. */
export const SCENERY_ID = 255;

/** Most objects that a scene can have: each has an id of its own on the canvas. */
export const MOST_OBJECTS = SCENERY_ID - 1;
