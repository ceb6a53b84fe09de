/** How a shell asks for names while a word is typed. @module */

/** By what follows the name of the program: `<this> <kind> <typed> <words before…>`. */
export const ASK_KNOWN = "__known";
