#pragma once
#include "../data/samples.h"
#include "../model/predictor-model.h"
#include "device-steps.h"
#include "negatives.h"
#include "ranks.h"
#include "shared-state.h"
#include "summed-gradients.h"
#include "temperature.h"

#include <atomic>
#include <functional>
#include <memory>
#include <unordered_map>

namespace lvm {

// Sums over the steps of an epoch so far. Stored in checkpoints, so that a resumed epoch reports bit-equal metrics.
struct Sums {
  double loss = 0, grad_norm = 0;
  int64_t windows = 0, steps = 0;
};

// With `ranks` each rank computes its part of every batch, and all make the same steps.
class Trainer {
 public:
  Trainer(std::shared_ptr<Model> model, std::shared_ptr<Samples> samples, Tensor ids, TrainerOptions options,
          std::shared_ptr<Ranks> ranks = nullptr);

  // Runs optimizer steps of `epoch` from step `from` on, one per learning rate, until done or until `go_on` returns false.
  // Returns the number of steps made. With ranks all stop after the same step, once one of them is to stop.
  int64_t run(int64_t epoch, int64_t from, const std::vector<double>& rates, const std::function<bool()>& go_on);
  // Before the first step, when all ranks are connected and have the same weights: finds memory that they share. Collective.
  void share_memory() {
    if (shared) shared->share_weights();
    summed->begin();
  }
  int64_t steps_per_epoch() const;
  // Where steps run.
  StepsPlan steps() const;

  const std::shared_ptr<Model> model;
  const std::shared_ptr<Samples> samples;
  const TrainerOptions options;
  Optimizer optimizer;
  std::unique_ptr<SharedState> shared;  // with a part of the optimizer's state on each rank
  Temperature temperature;
  Sums sums;
  // Read from the JS thread during a run.
  std::atomic<bool> stop = false, stopped = false;  // this process is to stop; all ranks have stopped
  std::atomic<bool> pause = false, paused = false;  // with ranks: the same, and all go on with the next run
  std::atomic<int64_t> done = 0, windows_done = 0;  // steps, and their windows
  std::atomic<double> mean_loss = 0;

 private:
  const StepsPlan plan;
  double gradients_of(const Tensor& windows, bool last);
  double accumulate(const Reading& reading, double share, uint64_t call_base);
  double contrastive(const Reading& reading, const Tensor& raw, const Tensor& y, double share);
  int64_t run_queued(int64_t from, const std::vector<double>& rates, const std::function<bool()>& go_on);
  void count(double loss, double norm, int64_t windows);
  Tensor order(int64_t epoch);
  Tensor windows_of(const Tensor& items) const;
  std::vector<Reading> batches_of(const Tensor& windows) const;
  void group();
  void mark_zeros();

  const std::shared_ptr<Ranks> ranks;
  std::unique_ptr<SummedGradients> summed;       // with ranks
  Tensor ids;                                    // windows, in groups that are drawn together
  std::vector<int64_t> ends;                     // end of each group in `ids`; empty: each window is drawn alone
  std::vector<std::pair<Tensor, Tensor>> zeros;  // matrices or averages, and masks of their zeros
  std::unique_ptr<NegativeSampler> negatives;    // with a contrastive loss
  std::unique_ptr<DeviceSteps> queued;           // unless steps run on the host
  Tensor shuffled;
  int64_t shuffled_epoch = -1, queued_epoch = -1;
};

}  // namespace lvm
