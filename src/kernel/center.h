/*
 * center.h
 *	  Where to put a space's origin, from a sample of its vectors.
 *
 * What storing a vector hides is in proportion to its length.  Vectors that
 * have much in common, an offset, are therefore stored far more exactly as
 * differences from their mean, while distances between them stay as they are.
 */
#ifndef KERNEL_CENTER_H
#define KERNEL_CENTER_H

#include "kernel/space.h"

/*
 * The center of n vectors, one after the other in sample, which become their
 * images but for the rotation; column is room for n floats.  Of each coordinate
 * it is the mean of the middle four fifths, so that a few vectors far away do
 * not carry it off.  Under cosine it is that of the unit vectors.
 *
 * False if there is none worth while: too few vectors, inner products, or most
 * are not nearer to it than to zero.
 */
extern bool space_find_center(SpaceMetric metric, float *sample, size_t n,
							  size_t dims, float *column, float *center);

/*
 * Would int8 hide who is near whom?  It hides a hundredth of a vector's length.
 * True if a quarter of n images, one after the other in sample, or more are
 * nearer to another one than twice that, as of clusters far from the center.
 */
extern bool space_is_too_fine(const float *sample, size_t n, size_t dims);

#endif							/* KERNEL_CENTER_H */
