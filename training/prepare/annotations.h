#pragma once
// Pictures with annotated boundaries, as BSDS and the sets made from it lay them out.

#include <string>
#include <vector>

namespace semcodec {

struct AnnotatedPicture {
  std::string picture;
  /// A grey picture of the same size: the share of annotators, 0..255.
  std::string annotation;
};

/// Pairs of `inputs`, sorted by the picture's path. An input is
///   a list (.lst, .txt)   two paths a line, from the list's folder on: HED-BSDS's train_pair.lst
///   a folder              all pictures in it and below. The annotation of NAME.jpg is NAME_edges
///                         or NAME_gt beside it, or NAME in the folder that has "groundTruth" for
///                         "images", or "aug_gt" for "aug_data", in its path.
/// Pictures without annotation are counted in `without`. Throws Error(input) when a list names a
/// file that is not there, or when there is no pair at all.
std::vector<AnnotatedPicture> list_annotated(const std::vector<std::string>& inputs,
                                             std::size_t* without = nullptr);

}  // namespace semcodec
