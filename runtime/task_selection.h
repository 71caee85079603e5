// The tasks of a plan: every node in exactly one, fused where a kernel can run the fusion, in an order that
// computes before it reads.
#pragma once
#include <vector>

#include "runtime/kernel.h"
#include "runtime/shaped_graph.h"

namespace edgeopt {

struct ChosenTask {
  Task task;
  const Kernel* kernel = nullptr;  // null: the slow evaluation runs it
};

/// throws  UserError naming an operator that neither a kernel nor an evaluation runs
std::vector<ChosenTask> choose_tasks(const ShapedGraph& shaped, int thread_count);

/// The call with forms in plain layout and no places; nothing if a form is only known at run time.
std::optional<KernelCall> call_of(const ShapedGraph& shaped, const Task& task, int thread_count);

}  // namespace edgeopt
