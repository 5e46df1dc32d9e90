#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace lvm {

// A row of a bank and its cosine. Ties are ordered by row.
struct Neighbour {
  double cosine;
  int64_t row;
};
inline bool before(const Neighbour& a, const Neighbour& b) {
  return a.cosine > b.cosine || (a.cosine == b.cosine && a.row < b.row);
}

// Smallest of the `count` largest of n values.
inline float least_of_largest(const float* values, int64_t n, int64_t count) {
  std::vector<float> own(values, values + n);
  std::nth_element(own.begin(), own.begin() + (count - 1), own.end(), std::greater<>());
  return own[size_t(count - 1)];
}

// Keeps the k nearest of the rows offered.
class Nearest {
 public:
  void offer(Neighbour neighbour, int64_t k) {
    if (int64_t(heap.size()) == k) {
      if (!before(neighbour, heap.front())) return;
      std::pop_heap(heap.begin(), heap.end(), before);
      heap.pop_back();
    }
    heap.push_back(neighbour);
    std::push_heap(heap.begin(), heap.end(), before);
  }
  // Smallest cosine that is accepted.
  double least(int64_t k) const { return int64_t(heap.size()) < k ? -2 : heap.front().cosine; }
  const std::vector<Neighbour>& all() const { return heap; }

 private:
  std::vector<Neighbour> heap;  // a heap; the worst is in front
};

}  // namespace lvm
