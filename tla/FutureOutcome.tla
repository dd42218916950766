--------------------------- MODULE FutureOutcome ----------------------------
(***************************************************************************)
(* What result() tells: a future as in Future, whose call may raise an     *)
(* error, and an error of Python may be false (it has a __bool__ or a      *)
(* __len__).  Of what the future is given two things are kept.             *)
(***************************************************************************)
EXTENDS Future

VARIABLES
  error,  \* what the call raised: "none", "true", "false"
  told    \* what each caller of result() got: "nothing yet", "a result", "an error", "cancelled"

varsO == <<vars, error, told>>

(* What result() makes of a finished future. *)
Reads(e) == IF e # "none" THEN "an error" ELSE "a result"

(* H21: it asks whether the error is true.  In the place of Reads. *)
ReadsTruth(e) == IF e = "true" THEN "an error" ELSE "a result"

InitO == Init /\ error = "none" /\ told = [n \in 1..Results |-> "nothing yet"]

(* Whoever comes back from result() when the future is done is told. *)
Tell ==
  told' = [n \in 1..Results |->
             IF results[n] = "back" \/ results'[n] # "back" \/ state' \notin Done THEN told[n]
             ELSE IF state' = "FINISHED" THEN Reads(error) ELSE "cancelled"]

Else == Tell /\ UNCHANGED error

Begins == SetRunningOrNotifyCancel /\ Else
Returns == SetResult(Executor) /\ Else
Raises(e) == SetException /\ error' = e /\ UNCHANGED told
Wakes(a) == CarryOut(a) /\ Else
Asks(n) == (CallResult(n) \/ GiveUpResult(n)) /\ Else
Cancels(a) == Cancel(a) /\ Else
Settles(a) == SetResult(a) /\ Else

NextO ==
  \/ Begins \/ Returns
  \/ \E e \in {"true", "false"} : Raises(e)
  \/ \E a \in Agent : Wakes(a)
  \/ \E n \in 1..Results : Asks(n)
  \/ \E a \in Canceller : Cancels(a)
  \/ \E a \in Resolver : Settles(a)

SpecO == InitO /\ [][NextO]_varsO

-----------------------------------------------------------------------------

(* What a call raises is what result() tells, and nothing else is. *)
ErrorsAreTold ==
  \A n \in 1..Results :
    /\ told[n] = "a result" => error = "none"
    /\ told[n] = "an error" => error # "none"
=============================================================================
