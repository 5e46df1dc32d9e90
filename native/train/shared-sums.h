#pragma once
#include "ranks.h"

#include <atomic>
#include <deque>
#include <vector>

namespace lvm {

// Adds gradients up in memory that all ranks see. Each rank adds a part of every gradient up, so that an element of a gradient is
// copied at most once; the order of the ranks decides that of the terms.
class SharedSums {
 public:
  // Null where the ranks share no memory, or weights have other sums than float32. Collective.
  static std::unique_ptr<SharedSums> of(const std::vector<Tensor>& weights, Ranks& ranks);

  void begin_step();
  // Copies those elements of the gradient of a weight that other ranks add up; zeros if it has none. No rank may still need the
  // sums before.
  void keep(size_t weight);
  // Adds up this rank's parts of the weights that all ranks have kept. Returns whether it has done so for all weights.
  bool add_up();
  // The sum of a gradient, complete after all ranks have added their parts up, until they keep the next ones.
  const Tensor& sum(size_t weight) const { return sums[weight]; }
  // Sums of squares of the blocks of all sums; zero for those of other ranks.
  Tensor squares;
  // Adds the blocks' sums of squares up to one for each weight.
  std::vector<double> square_norms() const;

 private:
  SharedSums(const std::vector<Tensor>& weights, int rank, int size);
  std::atomic<int64_t>& kept_in(int rank, size_t weight) { return steps[size_t(rank) * weights.size() + weight]; }
  void add_up(size_t weight);

  const std::vector<Tensor> weights;
  const int rank, size;
  std::vector<std::vector<int64_t>> cuts;  // of each weight
  std::vector<int64_t> first_block;        // of each weight, and the end
  std::vector<std::vector<Tensor>> kept;   // of each rank; rank 0's become the sums
  std::vector<Tensor> sums;
  std::atomic<int64_t>* steps = nullptr;  // of each rank and weight: the last step whose gradient was kept
  int64_t step = 0;
  std::deque<size_t> waiting;  // weights that this rank has kept
  size_t added = 0;            // weights
};

}  // namespace lvm
