/*
 * curve.h
 *	  How near points shall be in the picture: 1 / (1 + a d^(2 b)).
 */
#ifndef PROJECTION_CURVE_H
#define PROJECTION_CURVE_H

/*
 * The curve that is nearest, by least squares at 300 distances up to 3 spread,
 * to 1 up to min_dist and exp(-(d - min_dist) / spread) beyond (McInnes et al.
 * 2018, section 3.2).  0 <= min_dist <= spread.
 */
extern void curve_fit(double min_dist, double spread, double *a, double *b);

#endif							/* PROJECTION_CURVE_H */
