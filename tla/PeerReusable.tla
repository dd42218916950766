---------------------------- MODULE PeerReusable ----------------------------
(***************************************************************************)
(* One executor for everybody who asks for one, made with the arguments of *)
(* the latest, as in loky: get it, then submit to it.  Defect is the old   *)
(* design that is in it, by the museum's number; with "none" who asks with *)
(* other arguments gets another one beside it, and what nobody has any     *)
(* more ends.                                                              *)
(***************************************************************************)
EXTENDS Naturals

CONSTANTS
  Defect,   \* "P7", or "none"
  Callers   \* how many ask; each with arguments of his own

ASSUME Defect \in {"none", "P7"} /\ Callers \in Nat

VARIABLES
  open,     \* the executors that have not ended, by the caller they were made for
  callers,  \* "out", "has one", "back" from submit, "refused" by it
  has       \* which executor a caller has, else 0

vars == <<open, callers, has>>

Caller == 1..Callers

TypeOK ==
  /\ open \subseteq Caller
  /\ callers \in [Caller -> {"out", "has one", "back", "refused"}]
  /\ has \in [Caller -> 0..Callers]

Init ==
  /\ open = {}
  /\ callers = [c \in Caller |-> "out"]
  /\ has = [c \in Caller |-> 0]

Get(c) ==  \* a caller; P7: whoever asks with other arguments ends the one that there was
  /\ callers[c] = "out"
  /\ callers' = [callers EXCEPT ![c] = "has one"]
  /\ has' = [has EXCEPT ![c] = c]
  /\ open' = IF Defect = "P7" THEN {c} ELSE open \union {c}

Submit(c) ==  \* a caller
  /\ callers[c] = "has one"
  /\ callers' = [callers EXCEPT ![c] = IF has[c] \in open THEN "back" ELSE "refused"]
  /\ UNCHANGED <<open, has>>

LetGo(c) ==  \* a caller that is back
  /\ callers[c] \in {"back", "refused"} /\ has[c] # 0
  /\ has' = [has EXCEPT ![c] = 0]
  /\ UNCHANGED <<open, callers>>

EndUnused(e) ==  \* nobody has the executor any more
  /\ e \in open /\ \A c \in Caller : has[c] # e
  /\ open' = open \ {e}
  /\ UNCHANGED <<callers, has>>

Next ==
  \/ \E c \in Caller : Get(c) \/ Submit(c) \/ LetGo(c)
  \/ \E e \in Caller : EndUnused(e)

Spec ==
  /\ Init /\ [][Next]_vars
  /\ \A c \in Caller : WF_vars(LetGo(c))
  /\ \A e \in Caller : WF_vars(EndUnused(e))

-----------------------------------------------------------------------------

(* No submit is refused because of what another caller asked for. *)
NobodyIsRefused == \A c \in Caller : callers[c] # "refused"

(* What nobody has any more ends. *)
UnusedExecutorsEnd == \A c \in Caller : (callers[c] = "back") ~> (c \notin open)
=============================================================================
