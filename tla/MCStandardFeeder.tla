-------------------------- MODULE MCStandardFeeder --------------------------
(***************************************************************************)
(* What must be reachable in StandardFeeder: each claim below is false,    *)
(* and TLC shows how.                                                      *)
(***************************************************************************)
EXTENDS StandardFeeder

(* The process dies while the feeder waits for room in the pipe. *)
NobodyWritesToTheDead ==
  ~(broken /\ feeder = "writing" /\ Len(pipe) = PipeSize)

(* What shutdown could not cancel is being pickled. *)
NothingIsPickledWhenCancelled == rebound => feeder # "pickling"

(* Calls wait behind a call queue that is full, and are cancelled. *)
NothingWaitsAtShutdown == (closer = "joining" /\ InCallQueue = Room) => workIds = <<>>

(* A call fails to pickle after the pool has broken. *)
NothingFailsLate == [][(broken /\ feeder = "pickling") => (feeder' # "idle")]_vars

-----------------------------------------------------------------------------

(* Nobody is obliged to go on: no liveness property of StandardFeeder survives that. *)
Unfair == Init /\ [][Next]_vars
=============================================================================
