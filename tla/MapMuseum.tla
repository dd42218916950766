------------------------------ MODULE MapMuseum -----------------------------
(***************************************************************************)
(* Old designs of map.  A configuration puts one of them in the place of   *)
(* Fill; the museum's number is here.                                      *)
(***************************************************************************)
EXTENDS Map

Full == trouble # "" \/ Submitted = Items \/ Submitted - yielded = BufferSize

(* M7: the iterator does not keep its executor alive, and takes an executor that *)
(* is gone for an input that is at its end.                                      *)
FillWhileHeld ==
  /\ iterator = "filling"
  /\ IF Full \/ ~held
     THEN iterator' = "waiting" /\ UNCHANGED <<items, trouble>>
     ELSE /\ IF phase = "OPEN"
             THEN items' = [items EXCEPT ![Submitted + 1] = "pending"] /\ UNCHANGED trouble
             ELSE trouble' = "refused" /\ UNCHANGED items
          /\ UNCHANGED iterator
  /\ UNCHANGED <<phase, held, yielded>>

(* M25: an input that raises ends the iterator at once, and nobody can cancel *)
(* what was submitted before.                                                 *)
FillOrRaise ==
  /\ iterator = "filling"
  /\ CASE Full -> iterator' = "waiting" /\ UNCHANGED <<items, trouble>>
       [] ~Full /\ FailsAt = Submitted + 1 ->
            iterator' = "raised" /\ trouble' = "input" /\ UNCHANGED items
       [] OTHER ->
            /\ IF phase = "OPEN"
               THEN items' = [items EXCEPT ![Submitted + 1] = "pending"] /\ UNCHANGED trouble
               ELSE trouble' = "refused" /\ UNCHANGED items
            /\ UNCHANGED iterator
  /\ UNCHANGED <<phase, held, yielded>>
=============================================================================
