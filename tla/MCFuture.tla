------------------------------ MODULE MCFuture ------------------------------
(***************************************************************************)
(* What must be reachable in Future: each claim below is false, and TLC    *)
(* shows how.                                                              *)
(***************************************************************************)
EXTENDS Future

(* A canceller comes too late: the call runs. *)
NobodyCancelsARunningCall ==
  state = "RUNNING" => \A a \in Canceller : agents[a] # "ended"

(* A bare future is done, and who is in wait() has not been told yet. *)
DoneIsToldAtOnce ==
  state = "CANCELLED" => \A n \in 1..Waits : waits[n] # "blocked"

(* The canceller still wakes while the executor already tells. *)
NobodyElseIsBusy ==
  \A a, b \in Agent : (agents[a] = "busy" /\ agents[b] = "busy") => a = b

(* Two callbacks are run by two threads: one was queued, one was late. *)
NoCallbackIsLate == \A b, c \in Callback : callbacks[b] = "ran" => callbacks[c] # "ran own"

(* A callback is added while others run, and is queued behind them. *)
NobodyAddsWhileOthersRun == [][(ran # <<>> /\ ~drained) => Len(queue') <= Len(queue)]_vars

(* A third party sets the result of a call that has not begun; the executor is refused. *)
TheExecutorIsNeverTooLate ==
  state = "FINISHED" => ~(agents[Executor] = "ended" /\ \E a \in Resolver : agents[a] = "busy")

-----------------------------------------------------------------------------

(* Nobody is obliged to go on: no liveness property of Future survives that, so *)
(* that each of them says something.                                         *)
Unfair == Init /\ [][Next]_vars
=============================================================================
