-------------------------------- MODULE MCMap -------------------------------
(***************************************************************************)
(* What must be reachable in Map: each claim below is false, and TLC shows *)
(* how.                                                                    *)
(***************************************************************************)
EXTENDS Map

(* The iterator cannot submit, and yields what it has submitted before. *)
NothingIsYieldedAfterARefusal == [][trouble # "refused" \/ yielded' = yielded]_vars

(* A later call ends before the oldest. *)
CallsEndInOrder ==
  \A i, j \in Item : (i < j /\ items[i] = "pending") => items[j] \in {"unread", "pending"}

(* An exception cancels the calls that have not ended. *)
NothingIsCancelledByAnError ==
  phase = "OPEN" => \A i \in Item : items[i] # "cancelled"

(* The iterator is let down by shutdown(cancel_futures=True), and raises. *)
NobodyMeetsACancelledCall ==
  (iterator = "raised" /\ phase = "CANCELLING") => \A i \in Item : items[i] # "cancelled"

(* Nobody but the iterator holds the executor, and it still submits. *)
NothingIsSubmittedAlone ==
  [][held \/ \A i \in Item : (items[i] = "unread") => (items'[i] = "unread")]_vars

(* The input raises, and what was submitted before is yielded first. *)
InputErrorComesFirst == ~(iterator = "raised" /\ trouble = "input" /\ yielded > 0)

-----------------------------------------------------------------------------

(* Nobody is obliged to go on: no liveness property of Map survives that, so *)
(* that each of them says something.                                         *)
Unfair == Init /\ [][Steps]_vars
=============================================================================
