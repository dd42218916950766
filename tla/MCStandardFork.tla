--------------------------- MODULE MCStandardFork ---------------------------
(***************************************************************************)
(* What must be reachable in StandardFork: each claim below is false, and  *)
(* TLC shows how.                                                          *)
(***************************************************************************)
EXTENDS StandardFork

(* A call is submitted while the feeder holds its lock. *)
NobodySubmitsWhileTheFeederLocks == submitter = "locking" => feeder # "locking"

(* A user forks while another thread is in submit. *)
NobodyForksWhileOneSubmits ==
  [][\A u \in Copy : copies'[u] # copies[u] /\ copies[u] = "unborn" => submitter = "out"]_vars

(* Two processes run calls that want the lock. *)
NobodyWantsTheLockTwice ==
  \A p, q \in Process :
    (p # q /\ runs[p] # 0 /\ runs[q] # 0) => ~(calls[runs[p]] = "wanting" /\ calls[runs[q]] = "wanting")

-----------------------------------------------------------------------------

(* Nobody is obliged to go on: no liveness property of StandardFork survives that, *)
(* but the one about what no copy accepts.                                         *)
Unfair == Init /\ [][Next]_vars
=============================================================================
