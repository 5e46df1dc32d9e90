#pragma once
#include "samples.h"

namespace lvm {

// Contexts that a model reads in one batch, and the windows whose outputs it gives.
struct Reading {
  Tensor which;          // place of each output's window among the windows that were asked for [outputs]
  Tensor windows;        // the windows themselves [outputs]
  Tensor first, length;  // first row and vectors of each context [contexts]; without `length` all have `time`
  int64_t time;
  Tensor context, position;  // where the outputs are [outputs]; undefined: at the last position of every context, in order
};

struct ReadingRules {
  int64_t batch;    // windows in a batch, if all contexts have one length
  int64_t vectors;  // vectors in a batch otherwise; a longer context is a batch of its own
  bool causal;      // the model may read contexts of unequal length in one batch, padded on the right
  bool shared;      // windows that begin at the same row are prefixes of the longest one: it alone is read
};

// Divides windows into batches.
std::vector<Reading> readings(const Samples& samples, const Tensor& windows, const ReadingRules& rules);

}  // namespace lvm
