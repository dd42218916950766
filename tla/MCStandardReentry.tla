------------------------- MODULE MCStandardReentry --------------------------
(***************************************************************************)
(* What must be reachable in StandardReentry: each claim below is false,   *)
(* and TLC shows how.                                                      *)
(***************************************************************************)
EXTENDS StandardReentry

(* A handler submits while the submit below it has not got the lock yet. *)
NobodyIsInterruptedBefore == \A t \in Thread : Len(frames[t]) > 1 => frames[t][1] # "wanting"

(* A handler holds the lock, and another thread waits for it. *)
NobodyWaitsForAHandler ==
  \A t, u \in Thread : (t # u /\ holder = t /\ Len(frames[t]) > 1) => ~IsAt(u, "wanting")

-----------------------------------------------------------------------------

(* Nobody is obliged to go on: no liveness property of StandardReentry survives that. *)
Unfair == Init /\ [][Next]_vars
=============================================================================
