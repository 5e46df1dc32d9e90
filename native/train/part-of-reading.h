#pragma once
#include "../data/readings.h"
#include "../kernels/batch-part.h"

namespace lvm {

// The contexts of a reading that one of several processes computes.
struct PartOfReading {
  Reading reading;
  Parts parts;
  bool idle =
    false;  // there are fewer contexts than processes: this one computes the first context, and its gradients count zero
};

PartOfReading part_of(const Reading& whole, int64_t part, int64_t parts);

}  // namespace lvm
