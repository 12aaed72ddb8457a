#pragma once
// From small integer planes to float pictures of the coded size: the form in which the
// generator, the training and the "colour alone" baseline look at colour and structure.
//
// Layout of the results: planar float, rows top to bottom, no padding. A colour picture is three
// planes R, G, B one after the other (the C×H×W of one torch tensor); a structure picture is one.
// Range 0..1. Sample positions follow the "half pixel" rule (torch's align_corners = false):
// pixel x of w shows position (x + 0.5) · cells / w − 0.5 of the plane; outside taps repeat the
// border.
//
// The arithmetic is plain IEEE single precision in a fixed order without fused multiply-add, so
// the result is the same on every machine and for every instruction set.

#include <vector>

#include "semcodec/planes.h"

namespace semcodec {

/// Renders a label plane with its palette: bicubic upsampling (cubic convolution, a = -0.5) of
/// the palette colours, clamped to 0..1. Writes 3 * width * height floats to `out`.
/// Throws Error(corrupt) when the plane is empty, its sizes disagree or a label has no colour.
void render_colour(const Plane& labels, const Palette& palette, int width, int height, float* out);
std::vector<float> render_colour(const Plane& labels, const Palette& palette, int width,
                                 int height);

/// Renders an edge strength plane: value / (levels - 1), upsampled bilinearly.
/// Writes width * height floats to `out`. Throws Error(corrupt) as above.
void render_structure(const Plane& structure, int width, int height, float* out);
std::vector<float> render_structure(const Plane& structure, int width, int height);

}  // namespace semcodec
