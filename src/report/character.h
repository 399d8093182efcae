/*
 * character.h
 *	  Characters of a text that comes from anywhere.
 */
#ifndef REPORT_CHARACTER_H
#define REPORT_CHARACTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is not UTF-8 */
#define REPORT_NO_CHARACTER UINT32_MAX

/*
 * The character that text begins with, which must not be empty; returns its
 * bytes.  A byte that begins no character is one of REPORT_NO_CHARACTER.
 */
extern int	report_character(const char *text, uint32_t *code);

/* C0, DEL, C1 and the separators of lines and paragraphs: they move the cursor. */
extern bool report_is_control(uint32_t code);

/*
 * Characters that are not seen and change what is: they turn the direction of
 * the text, join, hide or tag.
 */
extern bool report_is_format(uint32_t code);

/* Of these, what a page leaves out: joiners stay, letters and pictures are made with them. */
extern bool report_is_hidden(uint32_t code);

#endif							/* REPORT_CHARACTER_H */
