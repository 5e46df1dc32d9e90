#pragma once
#include "errors.h"

#include "../torch.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace lvm {

// Bytes of tensors that calls made: alive, and in all.
struct Ledger {
  std::atomic<int64_t> alive = 0, made = 0;
};

// The tensor behind a handle. Calls that are to fill or change it count in `pending`; when there are none, `value` and `failure`
// are final and may be read on the JS thread. The thread of the lane reads them in the order of its jobs.
struct Cell {
  explicit Cell(torch::Tensor value) : value(std::move(value)) {}
  explicit Cell(std::shared_ptr<Ledger> ledger) : ledger(std::move(ledger)), pending(1) {}
  Cell(const Cell&) = delete;
  ~Cell() {
    if (ledger) ledger->alive -= bytes;
  }
  void fill(torch::Tensor given, int64_t size) {
    value = std::move(given);
    bytes = size;
    ledger->alive += size;
    ledger->made += size;
  }

  torch::Tensor value;
  std::exception_ptr failure;  // a CallFailure
  std::shared_ptr<Ledger> ledger;
  int64_t bytes = 0;
  std::atomic<int> pending = 0;
};

// Calls whose results JavaScript got before they were computed.
struct Calls {
  std::vector<std::vector<c10::OperatorHandle>> forms;  // of each operator, by the number that operatorForms() gave
  std::shared_ptr<Ledger> ledger = std::make_shared<Ledger>();
  int64_t told = 0, reclaimed = 0;  // how much of the ledger V8 and reclaim() know
  std::atomic<double> done = 0;     // the last call that has run
  std::mutex mutex;
  std::vector<double> failed;  // since they were last asked for
};

}  // namespace lvm
